using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;
using EventStream.Unit.Tests.EventStore;
using static EventStream.Tests.Kit.EncodeSamples;

namespace EventStream.Unit.Tests.Encode;

/// <summary>The job: given what its stream holds, when a report comes or none does, then these messages.</summary>
public sealed class EncodeJobTests
{
    private static readonly IMessage[] AllButThumbnails =
    [
        .. Planned,
        Finished("240p"),
        Finished("360p"),
        Finished("480p"),
        Finished("audio"),
    ];

    [Fact]
    public void An_upload_asks_for_a_probe() => Given().When(Comes(Uploaded, T0)).Then(Probe);

    [Fact]
    public void A_probe_leads_to_a_plan_and_its_commands_the_first_lane_before_lower_and_higher_rungs() =>
        Given(Probe).When(Comes(Probed)).Then([.. Planned[1..]]);

    [Fact]
    public void A_source_without_sound_has_no_audio_task()
    {
        var silent = Probed with { Source = Source with { AudioCodec = null, AudioChannels = 0 } };
        Assert.DoesNotContain("audio", Given(Probe).When(Comes(silent)).After.Tasks.Keys);
    }

    [Fact]
    public void Each_sound_has_a_task_and_only_the_main_one_is_in_the_first_lane()
    {
        SourceSound[] sounds = [new(1, "aac", 2, Language: "en"), new(2, "ac3", 6, Language: "fr")];
        var planned = Given(Probe).When(Comes(Probed with { Source = Source with { Sounds = sounds } })).After;
        Assert.Equal(["240p", "360p", "480p", "audio", "audio-2", "probe", "thumbnails"], planned.Tasks.Keys);
        var sent = new EncodeJob()
            .Fold(Probe)
            .Decide(Probed with { Source = Source with { Sounds = sounds } }, Rules, T2)
            .OfType<EncodeAudio>()
            .ToList();
        Assert.Equal(
            [(sounds[0], null, "encode.commands.first"), (sounds[1], "audio-2", "encode.commands")],
            sent.Select(c => (c.Sound, c.Task, EncodeStore.TargetOf(c)!.Value.Topic.Name))
        );
        Assert.Equal($"media/{Id}/audio-2", sent[1].OutputPrefix);
    }

    [Fact]
    public void Subtitles_are_one_task()
    {
        var probed = Probed with { Source = Source with { Texts = [new(3, "subrip"), new(4, "ass")] } };
        var sent = new EncodeJob().Fold(Probe).Decide(probed, Rules, T2).ToList();
        Assert.Contains(new MakeSubtitles(Id, "sources/x", probed.Source, $"media/{Id}/subtitles", T2), sent);
        var job = sent.Aggregate(new EncodeJob().Fold(Probe), (state, message) => state.Fold(message));
        Assert.Equal([Finished("subtitles")], job.Decide(new SubtitlesMade(Id, [], "w1", T0), Rules, T2));
    }

    [Fact]
    public void Rungs_above_the_first_wait_for_the_samples_of_their_title()
    {
        var planned = PerTitle(Given(Probe).State, Probed);
        Assert.Equal(
            ["360p", "audio", "analysis", "thumbnails"],
            planned.OfType<ICommand>().Select(command => EncodeTasks.Of(command).Task)
        );
        var analyse = planned.OfType<AnalyseSource>().Single();
        Assert.Equal([("360p", 23), ("480p", 24), ("480p", 34)], analyse.Samples.Select(s => (s.Rung, s.Crf)));

        var job = Folded(Given(Probe).State, planned);
        LadderSample[] samples =
        [
            new("360p", 23, 300_000, 0.95),
            new("480p", 24, 600_000, 0.97),
            new("480p", 34, 150_000, 0.93),
        ];
        var analysed = new SourceAnalysed(Id, samples, "w1", 2, T0);
        var decided = PerTitle(job, analysed);
        var chosen = decided.OfType<EncodeLadderChosen>().Single();
        Assert.Equal(Finished("analysis"), decided[0]);
        Assert.Equal(["240p", "480p"], chosen.Tasks);
        Assert.Same(samples, chosen.Samples);
        Assert.Equal(21, chosen.Ladder[^1].Crf);
        Assert.Equal(chosen.Ladder[^1], decided.OfType<EncodeRung>().Last().Rung);
        var after = Folded(job, decided);
        Assert.Empty(PerTitle(after, analysed));
        Assert.Equal(["240p", "360p", "480p", "analysis", "audio", "probe", "thumbnails"], after.Tasks.Keys);
    }

    [Fact]
    public void A_title_that_cannot_be_analysed_gets_the_planned_ladder()
    {
        var job = Folded(Given(Probe).State, PerTitle(Given(Probe).State, Probed));
        var decided = PerTitle(job, Failed("analysis", 1, willRetry: false));
        Assert.Equal(Finished("analysis") with { Cause = "disk full" }, decided[0]);
        var chosen = Assert.IsType<EncodeLadderChosen>(decided[1]);
        Assert.Equal((job.Ladder, null), (chosen.Ladder, chosen.Samples));
        Assert.Equal(["240p", "480p"], decided.OfType<EncodeRung>().Select(command => command.Rung.Name));
        Assert.Equal((JobPhase.Encoding, 1_400_000), (job.Phase, chosen.Ladder[^1].VideoBitrateBps));
    }

    [Fact]
    public void A_rejected_source_ends_the_job() =>
        Given(Probe).When(Comes(Rejected)).Then(new EncodeStopped(Id, "probe", true, "It is a text.", T0));

    [Fact]
    public void A_result_is_noted() => Given(Planned).When(Comes(Encoded("240p"))).Then(Finished("240p"));

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

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_failed_task_is_sent_again(int attempt) =>
        Given([.. Planned, .. Attempts(attempt)])
            .When(Comes(Failed("480p", attempt)))
            .Then(Resent("480p", attempt + 1), Rung("480p", attempt + 1));

    [Fact]
    public void A_task_that_used_up_its_attempts_is_given_up() =>
        Given([.. Planned, .. Attempts(3)])
            .When(Comes(Failed("480p", 3)))
            .Then(Failed("480p", 3, willRetry: false) with { Worker = "planner" });

    [Fact]
    public void A_task_that_its_worker_gives_up_stops_the_job() =>
        Given(Planned)
            .When(Comes(Failed("480p", 1, willRetry: false)))
            .Then(new EncodeStopped(Id, "480p", false, "disk full", T0));

    [Fact]
    public void Thumbnails_that_are_given_up_end_nothing()
    {
        var missing = Finished("thumbnails") with { Cause = "disk full" };
        var last = Failed("thumbnails", 1, willRetry: false);
        var after = Given(Planned).When(Comes(last)).Then(missing).After;
        Assert.Equal((JobPhase.Encoding, TaskPhase.Failed), (after.Phase, after.Tasks["thumbnails"].Phase));
        Assert.DoesNotContain("thumbnails", after.OpenTasks.Select(task => task.Name));
        Given([.. Planned, missing]).When(Comes(last)).ThenNothing();
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
    public void A_failure_of_an_earlier_attempt_is_passed_over_but_its_result_counts()
    {
        var again = Given([.. Planned, .. Attempts(2)]);
        again.When(Comes(Failed("480p", 1))).ThenNothing();
        again.When(Comes(Encoded("480p"))).Then(Finished("480p"));
    }

    [Fact]
    public void A_running_task_without_heartbeats_is_sent_as_another_attempt()
    {
        var (beat, at) = (new Heartbeat(1, "w1", T0.AddSeconds(3)), T0.AddSeconds(70));
        const string reason = "no news for 67 s while it was running on w1";
        Given(Planned).When(Silent("240p", beat, T0.AddSeconds(61))).ThenNothing();
        Given(Planned).When(Silent("240p", beat, at)).Then(Resent("240p", 2, reason, at), Rung("240p", 2, at));
        Given([.. Planned, Resent("240p", 2), Rung("240p", 2), Resent("240p", 3), Rung("240p", 3)])
            .When(Silent("240p", beat with { Attempt = 3 }, at))
            .Then(new EncodeTaskFailed(Id, "240p", "planner", 3, reason, false, at));
    }

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
        IMessage[] reports = [Probed, Rejected, Failed("480p", 1), Encoded("240p"), Pictures, Started("240p", 1)];
        Assert.All(reports, report => Given().When(Comes(report)).ThenNothing());
        Given(Probe).When(Comes(Uploaded)).ThenNothing();
        Given(Planned).When(Comes(Probed)).ThenNothing();
        Given([.. Planned, Finished("240p")]).When(Comes(Encoded("240p"))).ThenNothing();
        Given([.. Planned, Resent("480p", 2), Rung("480p", 2)]).When(Comes(Failed("480p", 1))).ThenNothing();
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
            Plan,
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

    private static IReadOnlyList<IMessage> PerTitle(EncodeJob job, IMessage message) =>
        [.. job.Decide(message, Rules with { Ladder = new PerTitleLadder() }, T2)];

    private static EncodeJob Folded(EncodeJob job, IEnumerable<IMessage> messages) =>
        messages.Aggregate(job, (state, message) => state.Fold(message));

    private static IEnumerable<IMessage> Attempts(int count) =>
        Enumerable.Range(2, count - 1).SelectMany(n => (IMessage[])[Resent("480p", n), Rung("480p", n)]);

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
