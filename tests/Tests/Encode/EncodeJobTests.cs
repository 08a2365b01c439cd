using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;
using EventStream.Encode.Planner;

namespace EventStream.Tests.Encode;

/// <summary>Given events, when a message comes, then facts and messages.</summary>
public class EncodeJobTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    private static readonly VideoId Id = VideoId.New(T0);
    private static readonly JobRules Rules = new(new StandardLadder(), 2, 3);
    private static readonly Outbox Outbox = new(128_000);
    private static readonly SourceInfo Source = new(30, 854, 480, 24, "h264", "aac", 2, 1000);

    private static readonly VideoUploaded Uploaded = new(Id, "sources/x", 1000, "00", T0);
    private static readonly SourceProbed Probed = new(Id, Source, "w1", T0.AddSeconds(1));
    private static readonly Rendition Rendition = new("240p", "video", "p", "avc1.4d4015", 426, 240, 24, 1, 1, [2], 1);

    [Fact]
    public void An_upload_opens_a_job_and_asks_for_a_probe_in_the_first_lane()
    {
        var job = Given();
        Assert.Equal([Uploaded], When(ref job, Uploaded));
        Assert.Equal(JobPhase.Probing, job.Phase);
        var sent = Assert.Single(Outbox.For(job, Uploaded));
        Assert.Equal(new ProbeSource(Id, "sources/x", T0), sent.Message);
        Assert.Equal((Topics.EncodeCommandsFirst, $"{Id}/probe", $"{Id}/probe/1/command"),
            (sent.Topic, sent.Key, sent.EventId));
    }

    [Fact]
    public void A_probe_leads_to_a_plan_whose_first_rung_and_sound_go_first()
    {
        var job = Given(Uploaded);
        var facts = When(ref job, Probed);
        var plan = Assert.IsType<EncodePlanned>(facts[1]);
        Assert.Equal(["240p", "360p", "480p", "audio", "thumbnails"], plan.Tasks);
        Assert.Equal("360p", plan.FirstRung);
        Assert.Equal(
            [
                "encode.events EncodePlanned", "encode.commands.first 360p", "encode.commands.first audio",
                "encode.commands 240p", "encode.commands 480p", "encode.commands thumbnails",
            ],
            Outbox.For(job, Probed).Select(o =>
                $"{o.Topic} {(o.Message is EncodePlanned ? nameof(EncodePlanned) : EncodeTasks.Of(o.Message).Task)}"));
        Assert.Equivalent(plan, Outbox.For(job, Probed).First().Message);
    }

    [Fact]
    public void A_source_without_sound_has_no_audio_task()
    {
        var job = Given(Uploaded);
        When(ref job, Probed with { Source = Source with { AudioCodec = null, AudioChannels = 0 } });
        Assert.DoesNotContain("audio", job.Tasks.Keys);
    }

    [Fact]
    public void A_rejected_source_ends_the_job()
    {
        var job = Given(Uploaded);
        var rejected = new SourceRejected(Id, "It is a text.", "Upload a video.", "w1", T0);
        Assert.Equal([rejected], When(ref job, rejected));
        Assert.Equal((JobPhase.Rejected, "It is a text."), (job.Phase, job.Trouble));
        Assert.Empty(When(ref job, Probed));
    }

    [Fact]
    public void The_last_task_completes_the_job()
    {
        var job = Planned();
        foreach (var name in (string[])["240p", "360p", "480p", "audio"])
        {
            var made = Encoded(name);
            Assert.Equal([made], When(ref job, made));
            Assert.Empty(Outbox.For(job, made));
        }

        var thumbnails = new ThumbnailsMade(Id, new Thumbnails("p", "s", "i"), "w1", T0);
        var facts = When(ref job, thumbnails, T0.AddSeconds(60));
        Assert.Equal([thumbnails, new EncodeCompleted(Id, 58, T0.AddSeconds(60))], facts);
        Assert.Equal(facts[1], Assert.Single(Outbox.For(job, thumbnails)).Message);
        Assert.Equal(JobPhase.Completed, job.Phase);
    }

    [Fact]
    public void A_message_that_comes_again_adds_nothing_and_publishes_the_same_again()
    {
        var job = EncodeJob.None;
        foreach (var message in (IMessage[])[Uploaded, Probed, Started("240p", 1), Failed("240p", 1), Encoded("360p")])
        {
            When(ref job, message);
            var owed = Outbox.For(job, message).ToList();
            var before = job;
            Assert.Empty(When(ref job, message, T0.AddHours(1)));
            Assert.Same(before, job);
            Assert.Equivalent(owed, Outbox.For(job, message).ToList());
        }
    }

    [Fact]
    public void A_failed_task_is_sent_again_until_its_attempts_are_used_up()
    {
        var job = Planned();
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            var failed = Failed("480p", attempt);
            Assert.Equal(
                [failed, new EncodeTaskResent(Id, "480p", attempt + 1, "disk full", T0.AddSeconds(2))],
                    When(ref job, failed));
            var sent = Outbox.For(job, failed).ToList();
            Assert.Equal(attempt + 1, Assert.IsType<EncodeRung>(sent[1].Message).Attempt);
        }

        var last = Failed("480p", 3);
        Assert.Equal([last with { WillRetry = false }], When(ref job, last));
        Assert.Equal((JobPhase.Failed, "480p: disk full"), (job.Phase, job.Trouble));
        var told = Assert.IsType<EncodeTaskFailed>(Assert.Single(Outbox.For(job, last)).Message);
        Assert.Equal((false, EncodeJob.PlannerName), (told.WillRetry, told.Worker));
    }

    [Fact]
    public void A_task_that_its_worker_gives_up_fails_the_job_without_another_word()
    {
        var job = Planned();
        var failed = Failed("480p", 1) with { WillRetry = false };
        Assert.Equal([failed], When(ref job, failed));
        Assert.Equal(JobPhase.Failed, job.Phase);
        Assert.Empty(Outbox.For(job, failed));
        Assert.Empty(job.OpenTasks);
    }

    [Fact]
    public void News_of_an_older_attempt_is_passed_over_but_its_result_counts()
    {
        var job = Planned();
        When(ref job, Failed("240p", 1));
        Assert.Empty(When(ref job, Started("240p", 1)));
        Assert.Empty(When(ref job, Failed("240p", 1)));
        Assert.NotEmpty(When(ref job, Encoded("240p")));
        Assert.Equal(TaskPhase.Done, job.Tasks["240p"].Phase);
    }

    [Fact]
    public void A_running_task_without_news_is_sent_again_as_another_attempt()
    {
        var job = Planned();
        When(ref job, Started("240p", 1));
        Assert.Empty(Quiet(job, T0.AddSeconds(61)));
        var resent = Assert.IsType<EncodeTaskResent>(Assert.Single(Quiet(job, T0.AddSeconds(70))));
        Assert.Equal(("240p", 2), (resent.Task, resent.Attempt));
        job = EncodeJob.Apply(job, resent);
        Assert.Equal((TaskPhase.Waiting, 2), (job.Tasks["240p"].Phase, job.Tasks["240p"].Attempt));
        Assert.Equal(2, EncodeTasks.Of(Outbox.ForQuiet(job, resent).Last().Message).Attempt);
    }

    [Fact]
    public void A_running_task_that_goes_quiet_in_every_attempt_fails_the_job()
    {
        var job = Planned();
        When(ref job, Started("240p", 3));
        var failed = Assert.IsType<EncodeTaskFailed>(Assert.Single(Quiet(job, T0.AddSeconds(70))));
        Assert.False(failed.WillRetry);
        Assert.Contains("no news for", failed.Cause, StringComparison.Ordinal);
        Assert.Equal(JobPhase.Failed, EncodeJob.Apply(job, failed).Phase);
    }

    [Fact]
    public void A_waiting_task_is_sent_again_ever_more_rarely_and_never_given_up()
    {
        var job = Given(Uploaded);
        var now = T0;
        foreach (var minutes in (int[])[10, 20, 40, 80, 160, 320, 640, 640, 640])
        {
            Assert.Empty(Quiet(job, now.AddMinutes(minutes - 1)));
            now = now.AddMinutes(minutes);
            var resent = Assert.IsType<EncodeTaskResent>(Assert.Single(Quiet(job, now)));
            Assert.Equal(1, resent.Attempt);
            job = EncodeJob.Apply(job, resent);
        }
    }

    [Fact]
    public void A_message_for_a_job_that_is_not_there_adds_nothing()
    {
        var job = EncodeJob.None;
        foreach (var message in (IMessage[])[Probed, Started("240p", 1), Failed("240p", 1), Encoded("240p")])
            Assert.Empty(When(ref job, message));
    }

    private static List<IEvent> Quiet(EncodeJob job, DateTimeOffset now) => EncodeJob.DecideQuiet(
        job, task =>
            task.StartedAt ?? task.SentAt, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10), Rules, now).ToList();

    private static EncodeJob Given(params IEvent[] events) => events.Aggregate(EncodeJob.None, EncodeJob.Apply);

    private static EncodeJob Planned()
    {
        var job = Given(Uploaded);
        When(ref job, Probed);
        return job;
    }

    private static List<IEvent> When(ref EncodeJob job, IMessage message, DateTimeOffset? now = null)
    {
        var facts = EncodeJob.Decide(job, message, Rules, now ?? T0.AddSeconds(2)).ToList();
        if (facts.Count > 0) job = facts.Aggregate(job, EncodeJob.Apply);
        return facts;
    }

    private static RenditionEncoded Encoded(string name) => new(Id, Rendition with { Name = name }, "w1", 3, T0);

    private static EncodeTaskStarted Started(string task, int attempt) =>
        new(Id, task, "w1", attempt, T0.AddSeconds(3));

    private static EncodeTaskFailed Failed(string task, int attempt) =>
        new(Id, task, "w1", attempt, "disk full", true, T0);
}
