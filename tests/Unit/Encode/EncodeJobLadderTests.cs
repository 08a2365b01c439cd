using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;
using EventStream.Unit.Tests.EventStore;
using static EventStream.Tests.Kit.EncodeSamples;

namespace EventStream.Unit.Tests.Encode;

/// <summary>The job's analysis of its source before the rungs above the first, and its measurement after all.</summary>
public sealed class EncodeJobLadderTests
{
    private static readonly IMessage[] AllButThumbnails = [.. Begun, Finished("rungs")];
    private static readonly JobRules PerTitle = Rules with { Ladder = new PerTitleLadder() };
    private static readonly IReadOnlyList<LadderSample> Samples =
    [
        new("360p", 23, 300_000, 0.95),
        new("480p", 24, 600_000, 0.97),
        new("480p", 34, 150_000, 0.93),
    ];
    private static readonly SourceAnalysed Analysed = new(Id, Samples, "w1", 2, T0);

    /// <summary>The plan of a title, and what is sent when its first rung is done.</summary>
    private static Decision<EncodeJob> Begin() =>
        Given(Probe).When(Comes(Probed, PerTitle)).When(Comes(Encoded("360p"), PerTitle));

    [Fact]
    public void Rungs_above_the_first_wait_for_the_samples_of_their_title()
    {
        Assert.Equal(["360p", "analysis", "probe", "thumbnails"], Begin().After.Tasks.Keys);
        Assert.Equal(["analysis", "thumbnails"], Sent(Begin()));
        var analyse = Begin().Messages.OfType<AnalyseSource>().Single();
        Assert.Equal([("360p", 23), ("480p", 24), ("480p", 34)], analyse.Samples.Select(s => (s.Rung, s.Crf)));
        Assert.Equal("encode.commands", EncodeStore.TargetOf(analyse)!.Value.Topic.Name);

        var decided = Begin().When(Comes(Analysed, PerTitle));
        var chosen = decided.Messages.OfType<EncodeLadderChosen>().Single();
        Assert.Equal(Finished("analysis"), decided.Messages[0]);
        Assert.Equal(["rungs"], chosen.Tasks);
        Assert.Same(Samples, chosen.Samples);
        Assert.Equal(21, chosen.Ladder[^1].Crf);
        var rungs = decided.Messages.OfType<EncodeRung>().Single();
        Assert.Equal([chosen.Ladder[0], chosen.Ladder[^1]], rungs.Also!.Prepend(rungs.Rung));
        decided.When(Comes(Analysed, PerTitle)).ThenNothing();
        var each = Begin().When(Comes(Analysed, PerTitle with { TaskPerRung = true }));
        Assert.Equal(["240p", "480p"], Sent(each));
    }

    [Fact]
    public void A_title_that_cannot_be_analysed_gets_the_planned_ladder()
    {
        var decided = Begin().When(Comes(Failed("analysis", 1, willRetry: false), PerTitle));
        Assert.Equal(Finished("analysis") with { Cause = "disk full" }, decided.Messages[0]);
        var chosen = Assert.IsType<EncodeLadderChosen>(decided.Messages[1]);
        Assert.Equal((Begin().After.Ladder.Count, null), (chosen.Ladder.Count, chosen.Samples));
        Assert.Equal(["rungs"], Sent(decided));
        Assert.Equal((JobPhase.Encoding, 1_400_000), (decided.After.Phase, chosen.Ladder[^1].VideoBitrateBps));
    }

    [Fact]
    public void What_follows_an_analysis_gives_way_to_the_first_rungs_of_other_videos()
    {
        var held = Begin().When(Comes(Analysed, PerTitle with { Hold = true }));
        Assert.Empty(Sent(held));
        Assert.True(held.After.IsHeld);
        var released = held.When(job => job.DecideRelease(PerTitle, T2));
        Assert.Equal(["rungs"], Sent(released));
        Assert.False(released.After.IsHeld);
    }

    [Fact]
    public void The_last_result_asks_for_the_quality_which_completes_the_job()
    {
        var (made, measured) = (T0.AddSeconds(60), T0.AddSeconds(70));
        Given(AllButThumbnails).When(Comes(Pictures, made)).Then(Finished("thumbnails"), Quality(made));
        // Encoding took as long as the pictures did.
        Given([.. AllButThumbnails, Finished("thumbnails"), Quality(made)])
            .When(Comes(Measured, measured))
            .Then(Finished("quality"), new EncodeCompleted(Id, 58, measured));
    }

    [Fact]
    public void A_quality_that_cannot_be_measured_completes_the_job()
    {
        var made = T0.AddSeconds(60);
        IMessage[] measuring = [.. AllButThumbnails, Finished("thumbnails"), Quality(made)];
        Given(measuring)
            .When(Comes(Failed("quality", 1), made))
            .Then(Resent("quality", 2, at: made), Quality(made) with { Attempt = 2 });
        Given(measuring)
            .When(Comes(Failed("quality", 1, willRetry: false), T0.AddSeconds(70)))
            .Then(Finished("quality") with { Cause = "disk full" }, new EncodeCompleted(Id, 58, T0.AddSeconds(70)));
    }

    [Fact]
    public void The_quality_gives_way_to_the_first_rungs_of_other_videos()
    {
        var held = Given(AllButThumbnails)
            .When(Comes(Pictures, Rules with { Hold = true }))
            .Then(Finished("thumbnails"));
        Assert.Equal((JobPhase.Encoding, true), (held.After.Phase, held.After.IsHeld));
        held.When(job => job.DecideRelease(Rules, T2))
            .Then(Quality(T2))
            .When(job => job.DecideRelease(Rules, T2))
            .Then();
        // A video that is deleted, or whose next edition is cancelled, was encoded all the same.
        var deleted = new VideoDeleted(Id, T2.AddSeconds(9));
        held.When(Comes(deleted)).Then(new EncodeCompleted(Id, 9, deleted.DeletedAt));
        Given([.. AllButThumbnails, Finished("thumbnails"), Quality(T2)])
            .When(Comes(deleted))
            .Then(
                new EncodeTaskFinished(Id, "quality", "planner", deleted.DeletedAt, "The publisher deleted the video."),
                new EncodeCompleted(Id, 0, deleted.DeletedAt)
            );
    }

    [Fact]
    public void By_products_that_are_given_up_at_once_end_the_job()
    {
        var at = T2.AddSeconds(70);
        var probed = Probed with { Source = Source with { Width = 320, Height = 240, Texts = [new(3, "subrip")] } };
        var begun = Given(Probe).When(Comes(probed)).When(Comes(Encoded("240p")));
        var silent = begun.When(job =>
            job.DecideStalled(
                _ => new Heartbeat(Rules.MaxAttempts, "w1", T2),
                new SilenceBounds(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10)),
                Rules with
                {
                    MaxAttempts = 1,
                },
                at
            )
        );
        Assert.Equal(["subtitles", "thumbnails"], silent.Messages.OfType<EncodeTaskFinished>().Select(e => e.Task));
        Assert.Equal(["quality"], Sent(silent));
    }

    private static IEnumerable<string> Sent(Decision<EncodeJob> decided) =>
        decided.Messages.OfType<ICommand>().Select(command => EncodeTasks.Of(command).Task);

    private static Given<EncodeJob> Given(params IReadOnlyList<IMessage> history) =>
        AggregateSpec.Given<EncodeJob>(history);

    private static Func<EncodeJob, IEnumerable<IMessage>> Comes(IMessage message, JobRules? rules = null) =>
        job => job.Decide(message, rules ?? Rules, T2);

    private static Func<EncodeJob, IEnumerable<IMessage>> Comes(IMessage message, DateTimeOffset now) =>
        job => job.Decide(message, Rules, now);
}
