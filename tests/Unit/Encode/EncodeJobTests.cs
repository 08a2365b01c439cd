using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Unit.Tests.EventStore;
using static EventStream.Tests.Kit.EncodeSamples;

namespace EventStream.Unit.Tests.Encode;

/// <summary>The job: given what its stream holds, when a report comes or none does, then these messages.</summary>
public sealed class EncodeJobTests
{
    private static readonly IMessage[] AllButThumbnails = [.. Begun, Finished("rungs")];

    [Fact]
    public void An_upload_asks_for_a_probe() => Given().When(Comes(Uploaded, T0)).Then(Probe);

    [Fact]
    public void A_probe_leads_to_a_plan_and_the_command_of_the_first_rung_alone() =>
        Given(Probe).When(Comes(Probed)).Then([.. Planned[1..]]);

    [Fact]
    public void The_first_rung_brings_the_other_commands() =>
        Given(Planned).When(Comes(Encoded("360p"))).Then([.. Begun[Planned.Length..]]);

    [Fact]
    public void Where_workers_are_many_each_rung_is_a_task()
    {
        var rules = Rules with { TaskPerRung = true };
        var planned = Given(Probe).When(job => job.Decide(Probed, rules, T2));
        Assert.Equal(["240p", "360p", "480p", "probe", "thumbnails"], planned.After.Tasks.Keys);
        planned.When(Comes(Encoded("360p"))).Then(Finished("360p"), Rung("240p"), Rung("480p"), Thumbnails());
    }

    [Fact]
    public void A_ladder_of_one_or_two_rungs_has_no_task_for_several()
    {
        var small = Probed with { Source = Source with { Width = 640, Height = 360 } };
        Assert.Equal(["240p", "360p", "probe", "thumbnails"], Given(Probe).When(Comes(small)).After.Tasks.Keys);
        var least = Probed with { Source = Source with { Width = 320, Height = 240 } };
        Assert.Equal(["240p", "probe", "thumbnails"], Given(Probe).When(Comes(least)).After.Tasks.Keys);
    }

    [Fact]
    public void The_first_rung_of_a_source_without_sound_is_made_alone()
    {
        var silent = Probed with { Source = Source with { AudioCodec = null, AudioChannels = 0 } };
        var sent = Given(Probe).When(Comes(silent)).Messages.OfType<EncodeRung>();
        Assert.Null(Assert.Single(sent).AudioBitrateBps);
    }

    [Fact]
    public void Each_further_sound_has_a_task()
    {
        SourceSound[] sounds = [new(1, "aac", 2, Language: "en"), new(2, "ac3", 6, Language: "fr")];
        var planned = Given(Probe).When(Comes(Probed with { Source = Source with { Sounds = sounds } }));
        Assert.Equal(["360p", "audio-2", "probe", "rungs", "thumbnails"], planned.After.Tasks.Keys);
        var sent = Assert.Single(planned.When(Comes(Encoded("360p"))).Messages.OfType<EncodeAudio>());
        Assert.Equal(
            (sounds[1], "audio-2", "encode.commands", $"media/{Id}/audio-2"),
            (sent.Sound, sent.Task, EncodeStore.TargetOf(sent)!.Value.Topic.Name, sent.OutputPrefix)
        );
    }

    [Fact]
    public void A_high_range_is_kept_where_that_is_asked_for_and_decides_nothing()
    {
        var high = Source with { Width = 1920, Height = 1080, Picture = new SourcePicture(0, null, "smpte2084") };
        var rules = Rules with { HighRange = true };
        Decision<EncodeJob> Plan(SourceInfo source, JobRules by) =>
            Given(Probe).When(job => job.Decide(Probed with { Source = source }, by, T2));
        Assert.DoesNotContain(Plan(high, Rules).After.Tasks.Keys, name => VideoRange.IsTask(name));
        Assert.DoesNotContain(Plan(Source, rules).After.Tasks.Keys, name => VideoRange.IsTask(name));
        var planned = Plan(high, rules);
        Assert.DoesNotContain(planned.After.Ladder, rung => VideoRange.IsTask(rung.Name));
        var begun = planned.When(Comes(Encoded("360p")));
        Assert.Equal(
            [("1080p-hdr", 3_500_000, $"media/{Id}/1080p-hdr"), ("720p-hdr", 1_960_000, $"media/{Id}/720p-hdr")],
            begun.Messages.OfType<EncodeHighRange>().Select(c => (c.Rung.Name, c.Rung.VideoBitrateBps, c.OutputPrefix))
        );
        begun
            .When(Comes(Failed("720p-hdr", 1, willRetry: false)))
            .Then(new EncodeTaskFinished(Id, "720p-hdr", "w1", T0, "disk full"));
    }

    [Fact]
    public void Subtitles_are_one_task()
    {
        var probed = Probed with { Source = Source with { Texts = [new(3, "subrip"), new(4, "ass")] } };
        var begun = Given(Probe).When(Comes(probed)).When(Comes(Encoded("360p")));
        Assert.Contains(new MakeSubtitles(Id, "sources/x", probed.Source, $"media/{Id}/subtitles", T2), begun.Messages);
        begun.When(Comes(new SubtitlesMade(Id, [], "w1", T0))).Then(Finished("subtitles"));
    }

    [Fact]
    public void A_rejected_source_ends_the_job() =>
        Given(Probe).When(Comes(Rejected)).Then(new EncodeStopped(Id, "probe", true, "It is a text.", T0));

    [Fact]
    public void A_result_is_noted() => Given(Begun).When(Comes(EncodedTogether())).Then(Finished("rungs"));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_failed_task_is_sent_again(int attempt) =>
        Given([.. Begun, .. Attempts(attempt)])
            .When(Comes(Failed("rungs", attempt)))
            .Then(Resent("rungs", attempt + 1), Rungs(attempt + 1));

    [Fact]
    public void A_failed_first_rung_is_sent_again_alone() =>
        Given(Planned).When(Comes(Failed("360p", 1))).Then(Resent("360p", 2), First(2));

    [Fact]
    public void A_task_that_used_up_its_attempts_is_given_up() =>
        Given([.. Begun, .. Attempts(3)])
            .When(Comes(Failed("rungs", 3)))
            .Then(Failed("rungs", 3, willRetry: false) with { Worker = "planner" });

    [Fact]
    public void A_task_that_its_worker_gives_up_stops_the_job() =>
        Given(Begun)
            .When(Comes(Failed("rungs", 1, willRetry: false)))
            .Then(new EncodeStopped(Id, "rungs", false, "disk full", T0));

    [Fact]
    public void Thumbnails_that_are_given_up_end_nothing()
    {
        var missing = Finished("thumbnails") with { Cause = "disk full" };
        var last = Failed("thumbnails", 1, willRetry: false);
        var after = Given(Begun).When(Comes(last)).Then(missing).After;
        Assert.Equal((JobPhase.Encoding, TaskPhase.Failed), (after.Phase, after.Tasks["thumbnails"].Phase));
        Assert.DoesNotContain("thumbnails", after.OpenTasks.Select(task => task.Name));
        Given([.. Begun, missing]).When(Comes(last)).ThenNothing();
        Given(AllButThumbnails).When(Comes(last, T0.AddSeconds(60))).Then(missing, Quality(T0.AddSeconds(60)));
    }

    [Fact]
    public void Thumbnails_whose_worker_is_silent_are_given_up_too()
    {
        var (beat, at) = (new Heartbeat(3, "w1", T0.AddSeconds(3)), T0.AddSeconds(70));
        IMessage[] resent =
        [
            Resent("thumbnails", 2),
            Thumbnails() with
            {
                Attempt = 2,
            },
            Resent("thumbnails", 3),
            Thumbnails() with
            {
                Attempt = 3,
            },
        ];
        Given([.. AllButThumbnails, .. resent])
            .When(Silent("thumbnails", beat, at))
            .Then(
                new EncodeTaskFinished(Id, "thumbnails", "planner", at, "no news for 67 s while it was running on w1"),
                Quality(at)
            );
    }

    [Fact]
    public void A_deletion_stops_the_job_wherever_it_is()
    {
        var (deleted, reason) = (new VideoDeleted(Id, T0), "The publisher deleted the video.");
        Given(Probe).When(Comes(deleted)).Then(new EncodeStopped(Id, "probe", false, reason, T0));
        var stopped = Given(Planned).When(Comes(deleted)).Then(new EncodeStopped(Id, "360p", false, reason, T0));
        Assert.Empty(stopped.After.OpenTasks);
        stopped.When(Comes(deleted)).Then().When(Comes(Encoded("360p"))).Then();
        Given().When(Comes(deleted)).Then();
    }

    [Fact]
    public void A_publisher_may_cancel_the_job() =>
        Given(Planned)
            .When(Comes(new VideoEncodeCancelled(Id, T0)))
            .Then(new EncodeStopped(Id, "360p", false, "The publisher cancelled the encoding.", T0))
            .When(Comes(new VideoEncodeCancelled(Id, T0)))
            .Then();

    [Fact]
    public void A_failure_of_an_earlier_attempt_is_passed_over_but_its_result_counts()
    {
        var again = Given([.. Begun, .. Attempts(2)]);
        again.When(Comes(Failed("rungs", 1))).ThenNothing();
        again.When(Comes(EncodedTogether())).Then(Finished("rungs"));
    }

    [Fact]
    public void A_running_task_without_heartbeats_is_sent_as_another_attempt()
    {
        var (beat, at) = (new Heartbeat(1, "w1", T0.AddSeconds(3)), T0.AddSeconds(70));
        const string reason = "no news for 67 s while it was running on w1";
        Given(Begun).When(Silent("rungs", beat, T0.AddSeconds(61))).ThenNothing();
        Given(Begun).When(Silent("rungs", beat, at)).Then(Resent("rungs", 2, reason, at), Rungs(2, at));
        Given([.. Begun, .. Attempts(3)])
            .When(Silent("rungs", beat with { Attempt = 3 }, at))
            .Then(new EncodeTaskFailed(Id, "rungs", "planner", 3, reason, false, at));
    }

    [Fact]
    public void What_is_not_sent_yet_is_not_sent_for_its_silence() =>
        Given(Planned).When(Silent("360p", new Heartbeat(1, "w1", T0.AddDays(1)), T0.AddDays(1))).ThenNothing();

    [Fact]
    public void A_waiting_task_is_sent_again_ever_more_rarely_as_the_same_attempt()
    {
        var (job, now) = (Given(Probe).State, T0);
        foreach (var minutes in (int[])[10, 20, 40, 80, 160, 320, 640, 640, 640])
        {
            new Given<EncodeJob>(job).When(Silent("", null, now.AddMinutes(minutes - 1))).ThenNothing();
            now = now.AddMinutes(minutes);
            job = new Given<EncodeJob>(job)
                .When(Silent("", null, now))
                .Then(
                    Resent("probe", 1, $"no news for {minutes * 60} s while it was waiting", now),
                    Probe with
                    {
                        RequestedAt = now,
                    }
                )
                .After;
        }
    }

    [Fact]
    public void A_report_that_comes_again_or_without_a_job_adds_nothing()
    {
        IMessage[] reports = [Probed, Rejected, Failed("rungs", 1), Encoded("360p"), Pictures, Started("rungs", 1)];
        Assert.All(reports, report => Given().When(Comes(report)).ThenNothing());
        Given(Probe).When(Comes(Uploaded)).ThenNothing();
        Given(Planned).When(Comes(Probed)).ThenNothing();
        Given(Begun).When(Comes(Encoded("360p"))).ThenNothing();
        Given([.. Begun, .. Attempts(2)]).When(Comes(Failed("rungs", 1))).ThenNothing();
        Given([.. AllButThumbnails, Finished("thumbnails"), new EncodeCompleted(Id, 58, T2)])
            .When(Comes(Pictures))
            .ThenNothing();
    }

    [Theory]
    [InlineData("video.uploaded", JobPhase.Probing, "")]
    [InlineData("planned", JobPhase.Encoding, "360p")]
    public void A_stream_of_the_former_store_is_read(string upTo, JobPhase phase, string first)
    {
        IMessage[] stream =
        [
            Uploaded,
            Started("probe", 1),
            Probed,
            Plan with
            {
                Tasks = ["240p", "360p", "480p", "audio", "thumbnails"],
            },
            Started("240p", 1),
            Encoded("240p"),
            Failed("480p", 1),
            Resent("480p", 2),
        ];
        var job = Given(upTo == "planned" ? stream : stream[..1]).State;
        Assert.Equal((phase, first), (job.Phase, job.FirstRung));
        if (phase == JobPhase.Encoding)
            Given(stream).When(Comes(Failed("480p", 2))).Then(Resent("480p", 3), Rung("480p", 3));
    }

    [Fact]
    public void A_job_of_an_earlier_program_keeps_its_task_for_the_main_sound()
    {
        var plan = Plan with { Tasks = ["240p", "360p", "480p", "audio", "thumbnails"] };
        var sound = new EncodeAudio(Id, "sources/x", Source, 128_000, 2, $"media/{Id}/audio", T2);
        IMessage[] sent = [Rung("360p") with { IsFirst = true }, sound, Rung("240p"), Rung("480p"), Thumbnails()];
        var job = Given([.. Planned[..2], plan, .. sent]);
        job.When(Comes(Encoded("360p"))).Then(Finished("360p"));
        job.When(Comes(Failed("360p", 1))).Then(Resent("360p", 2), Rung("360p", 2) with { IsFirst = true });
    }

    private static IEnumerable<IMessage> Attempts(int count) =>
        Enumerable.Range(2, count - 1).SelectMany(n => (IMessage[])[Resent("rungs", n), Rungs(n)]);

    private static Given<EncodeJob> Given(params IReadOnlyList<IMessage> history) =>
        AggregateSpec.Given<EncodeJob>(history);

    private static Func<EncodeJob, IEnumerable<IMessage>> Comes(IMessage message, DateTimeOffset? now = null) =>
        job => job.Decide(message, Rules, now ?? T2);

    private static Func<EncodeJob, IEnumerable<IMessage>> Silent(string task, Heartbeat? last, DateTimeOffset now) =>
        job =>
            job.DecideStalled(
                name => name == task ? last : null,
                new SilenceBounds(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10)),
                Rules,
                now
            );
}
