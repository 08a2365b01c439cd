using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Tests.Kit;
using static EventStream.Tests.Encode.EncodeSamples;

namespace EventStream.Tests.Encode;

/// <summary>The job: given what happened, when a message comes or none does, then these facts.</summary>
public sealed class EncodeJobTests() : AggregateSpec<EncodeJob>(EncodeJob.None, EncodeJob.Apply)
{
    private static readonly IEvent[] Planned = [Uploaded, Probed, Plan];

    [Fact]
    public void An_upload_opens_a_job_once_and_a_probe_leads_to_a_plan() => Given()
        .When(Comes(Uploaded)).Then(Uploaded).When(Comes(Uploaded)).Then()
        .When(Comes(Probed)).Then(Probed, Plan).When(Comes(Probed)).Then()
        .Then(job => Assert.Equal(["240p", "360p", "480p", "audio", "thumbnails"], Plan.Tasks))
        .Then(job => Assert.Equal((JobPhase.Encoding, "360p"), (job.Phase, job.FirstRung)));

    [Fact]
    public void A_source_without_sound_has_no_audio_task() => Given(Uploaded)
        .When(Comes(Probed with { Source = Source with { AudioCodec = null, AudioChannels = 0 } }))
        .Then(job => Assert.DoesNotContain("audio", job.Tasks.Keys));

    [Fact]
    public void A_rejected_source_ends_the_job_and_its_probe() => Given(Uploaded, Started("probe", 1))
        .When(Comes(Rejected)).Then(Rejected)
        .Then(job => Assert.Equal(TaskPhase.Failed, job.Tasks["probe"].Phase))
        .Then(job => Assert.Equal("It is a text.", job.Tasks["probe"].Cause))
        .Then(job => Assert.Equal((JobPhase.Rejected, "It is a text."), (job.Phase, job.Trouble)))
        .When(Comes(Probed)).Then();

    [Fact]
    public void The_last_task_completes_the_job() =>
        Given([.. Planned, Encoded("240p"), Encoded("360p"), Encoded("480p"), Encoded("audio")])
            .When(Comes(Pictures, T0.AddSeconds(60)))
            .Then(Pictures, new EncodeCompleted(Id, 58, T0.AddSeconds(60)))
            .Then(job => Assert.Equal(JobPhase.Completed, job.Phase));

    [Fact]
    public void A_message_that_comes_again_adds_nothing() => Given(Planned)
        .When(Comes(Started("240p", 1))).Then(Started("240p", 1)).When(Comes(Started("240p", 1))).Then()
        .When(Comes(Failed("240p", 1))).Then(Failed("240p", 1), Resent("240p", 2)).When(Comes(Failed("240p", 1))).Then()
        .When(Comes(Encoded("360p"))).Then(Encoded("360p")).When(Comes(Encoded("360p"))).Then();

    [Fact]
    public void A_failed_task_is_sent_again_until_its_attempts_are_used_up() => Given(Planned)
        .When(Comes(Failed("480p", 1))).Then(Failed("480p", 1), Resent("480p", 2))
        .When(Comes(Failed("480p", 2))).Then(Failed("480p", 2), Resent("480p", 3))
        .When(Comes(Failed("480p", 3))).Then(Failed("480p", 3, willRetry: false))
        .Then(job => Assert.Equal((JobPhase.Failed, "480p: disk full"), (job.Phase, job.Trouble)));

    [Fact]
    public void A_task_that_its_worker_gives_up_fails_the_job() => Given(Planned)
        .When(Comes(Failed("480p", 1, willRetry: false))).Then(Failed("480p", 1, willRetry: false))
        .Then(job => Assert.Equal((JobPhase.Failed, TaskPhase.Failed), (job.Phase, job.Tasks["480p"].Phase)))
        .Then(job => Assert.Empty(job.OpenTasks));

    [Fact]
    public void News_of_an_older_attempt_is_passed_over_but_its_result_counts() =>
        Given([.. Planned, Failed("240p", 1), Resent("240p", 2)])
            .When(Comes(Started("240p", 1))).Then().When(Comes(Failed("240p", 1))).Then()
            .When(Comes(Encoded("240p"))).Then(Encoded("240p"))
            .Then(job => Assert.Equal(TaskPhase.Done, job.Tasks["240p"].Phase));

    [Fact]
    public void A_running_task_without_news_is_sent_again_as_another_attempt() =>
        Given([.. Planned, Started("240p", 1)])
            .When(Quiet(T0.AddSeconds(61))).Then()
            .When(Quiet(T0.AddSeconds(70))).Then(new EncodeTaskResent(
                Id, "240p", 2, "no news for 67 s while it was running on w1", T0.AddSeconds(70)))
            .Then(job => Assert.Equal((TaskPhase.Waiting, 2), (job.Tasks["240p"].Phase, job.Tasks["240p"].Attempt)));

    [Fact]
    public void A_running_task_that_goes_quiet_in_every_attempt_fails_the_job() =>
        Given([.. Planned, Started("240p", 3)])
            .When(Quiet(T0.AddSeconds(70))).Then(new EncodeTaskFailed(
                Id, "240p", EncodeJob.PlannerName, 3, "no news for 67 s while it was running on w1", false,
                T0.AddSeconds(70)))
            .Then(job => Assert.Equal(JobPhase.Failed, job.Phase));

    [Fact]
    public void A_waiting_task_is_sent_again_ever_more_rarely_and_never_given_up()
    {
        var (job, now) = (Given(Uploaded), T0);
        foreach (var minutes in (int[])[10, 20, 40, 80, 160, 320, 640, 640, 640])
        {
            job.When(Quiet(now.AddMinutes(minutes - 1))).Then();
            now = now.AddMinutes(minutes);
            job.When(Quiet(now)).Then(state => Assert.Equal(
                (1, now), (state.Tasks["probe"].Attempt, state.Tasks["probe"].SentAt)));
        }
    }

    [Fact]
    public void A_message_for_a_job_that_is_not_there_adds_nothing() => Given()
        .When(Comes(Probed)).Then().When(Comes(Started("240p", 1))).Then()
        .When(Comes(Failed("240p", 1))).Then().When(Comes(Encoded("240p"))).Then();

    private static Func<EncodeJob, IEnumerable<IEvent>> Comes(IMessage message, DateTimeOffset? now = null) =>
        job => EncodeJob.Decide(job, message, Rules, now ?? T2);

    private static Func<EncodeJob, IEnumerable<IEvent>> Quiet(DateTimeOffset now) => job => EncodeJob.DecideQuiet(
        job, task => task.StartedAt ?? task.SentAt, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10), Rules, now);
}
