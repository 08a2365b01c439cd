using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;
using EventStream.Unit.Tests.EventStore;
using static EventStream.Tests.Kit.EncodeSamples;

namespace EventStream.Unit.Tests.Encode;

/// <summary>The rungs of a job that are made when a viewer comes, and evicted when none does.</summary>
public sealed class EncodeJobOnRequestTests
{
    private static readonly JobRules OnRequest = Rules with { OnRequestAbove = 360 };
    private static readonly DateTimeOffset T9 = T2.AddDays(9);
    private static readonly Rung Tall = Plan.Ladder[2];

    private static Decision<EncodeJob> Made() =>
        Given(Probe)
            .When(Comes(Probed, OnRequest))
            .When(Comes(Encoded("360p"), OnRequest))
            .When(Comes(Encoded("240p"), OnRequest))
            .When(Comes(Pictures, OnRequest))
            .When(Comes(Measured, OnRequest));

    private static Decision<EncodeJob> Asked() => Made().When(job => job.DecideRequest(OnRequest, T2));

    private static Given<EncodeJob> Given(params IReadOnlyList<IMessage> history) =>
        AggregateSpec.Given<EncodeJob>(history);

    private static Func<EncodeJob, IEnumerable<IMessage>> Comes(IMessage message, JobRules rules) =>
        job => job.Decide(message, rules, T2);

    [Fact]
    public void A_job_is_completed_without_them_and_a_viewer_brings_them()
    {
        var planned = Given(Probe).When(Comes(Probed, OnRequest));
        Assert.Equal(["240p", "360p"], planned.Messages.OfType<EncodePlanned>().Single().Ladder.Select(r => r.Name));
        Assert.Equal(["480p"], planned.Messages.OfType<EncodeRungsDeferred>().Single().Rungs.Select(r => r.Name));
        Assert.Equal(JobPhase.Completed, Made().After.Phase);
        Assert.False(Made().After.Open);

        Asked().Then(new EncodeRungsRequested(Id, [Tall], T2), Rung("480p"));
        Assert.Equal((JobPhase.Completed, true), (Asked().After.Phase, Asked().After.Open));
        Asked().When(job => job.DecideRequest(OnRequest, T2)).ThenNothing();
        Asked().When(Comes(Encoded("480p"), OnRequest)).Then(Finished("480p"));
    }

    [Fact]
    public void They_are_requested_while_the_others_are_encoded_too()
    {
        var begun = Given(Probe).When(Comes(Probed, OnRequest)).When(Comes(Encoded("360p"), OnRequest));
        begun
            .When(job => job.DecideRequest(OnRequest, T2))
            .Then(new EncodeRungsRequested(Id, [Tall], T2), Rung("480p"));
        Given(Probe).When(job => job.DecideRequest(OnRequest, T2)).ThenNothing();
    }

    [Fact]
    public void What_nobody_wants_is_evicted_and_made_in_another_folder_when_a_viewer_comes_again()
    {
        Asked().When(job => job.DecideEviction(T9)).ThenNothing();
        var there = Asked().When(Comes(Encoded("480p"), OnRequest));
        var evicted = there.When(job => job.DecideEviction(T9));
        evicted.Then(new EncodeRungsEvicted(Id, ["480p"], [$"media/{Id}/480p"], T9));
        evicted.When(job => job.DecideEviction(T9)).ThenNothing();
        var again = evicted.When(job => job.DecideRequest(OnRequest, T9));
        Assert.Equal($"media/{Id}/480p.1", again.Messages.OfType<EncodeRung>().Single().OutputPrefix);
    }

    [Fact]
    public void One_that_cannot_be_made_ends_nothing_and_is_not_tried_for_each_viewer()
    {
        var failed = Asked().When(Comes(Failed("480p", 1, willRetry: false), OnRequest));
        failed.Then(Finished("480p") with { Cause = "disk full" });
        Assert.Equal(JobPhase.Completed, failed.After.Phase);
        failed.When(job => job.DecideRequest(OnRequest, T9)).ThenNothing();
    }

    [Fact]
    public void A_silent_worker_is_replaced()
    {
        var bounds = new SilenceBounds(TimeSpan.FromSeconds(90), TimeSpan.FromMinutes(15));
        var resent = Asked()
            .When(job => job.DecideStalled(_ => new Heartbeat(1, "w1", T2), bounds, OnRequest, T2.AddMinutes(2)));
        Assert.Equal(2, resent.Messages.OfType<EncodeRung>().Single().Attempt);
    }

    [Fact]
    public void The_first_rung_is_made_whatever_its_height()
    {
        var rules = Rules with { OnRequestAbove = 100 };
        var planned = Given(Probe).When(Comes(Probed, rules));
        Assert.Equal(["360p"], planned.Messages.OfType<EncodePlanned>().Single().Ladder.Select(rung => rung.Name));
    }

    [Fact]
    public void A_ladder_of_a_title_is_split_when_it_is_known()
    {
        var rules = OnRequest with { Ladder = new PerTitleLadder() };
        LadderSample[] samples =
        [
            new("360p", 23, 300_000, 0.95),
            new("480p", 24, 600_000, 0.97),
            new("480p", 34, 150_000, 0.93),
        ];
        var chosen = Given(Probe)
            .When(Comes(Probed, rules))
            .When(Comes(Encoded("360p"), rules))
            .When(Comes(new SourceAnalysed(Id, samples, "w1", 2, T0), rules));
        Assert.DoesNotContain(chosen.Messages.OfType<EncodeLadderChosen>().Single().Ladder, rung => rung.Height > 360);
        Assert.NotEmpty(chosen.Messages.OfType<EncodeRungsDeferred>().Single().Rungs);
    }
}
