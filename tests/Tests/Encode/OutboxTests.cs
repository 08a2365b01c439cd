using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Planner;
using static EventStream.Tests.Encode.EncodeSamples;

namespace EventStream.Tests.Encode;

/// <summary>What is published after a message was worked in, and again when it comes again.</summary>
public sealed class OutboxTests
{
    private static readonly Outbox Outbox = new(128_000);

    [Fact]
    public void An_upload_asks_for_a_probe_in_the_first_lane()
    {
        var sent = Assert.Single(Outbox.For(After(Uploaded), Uploaded));
        Assert.Equal(new ProbeSource(Id, "sources/x", T0), sent.Message);
        Assert.Equal((Topics.EncodeCommandsFirst, $"{Id}/probe", $"{Id}/probe/1/command"),
            (sent.Topic, sent.Key, sent.EventId));
    }

    [Fact]
    public void A_plan_sends_its_first_rung_and_sound_first()
    {
        var job = After(Uploaded, Probed);
        Assert.Equal(
            [
                "encode.events EncodePlanned", "encode.commands.first 360p", "encode.commands.first audio",
                "encode.commands 240p", "encode.commands 480p", "encode.commands thumbnails",
            ],
            Outbox.For(job, Probed).Select(o =>
                $"{o.Topic} {(o.Message is EncodePlanned ? nameof(EncodePlanned) : EncodeTasks.Of(o.Message).Task)}"));
        Assert.Equivalent(Plan, Outbox.For(job, Probed).First().Message);
    }

    [Fact]
    public void Only_the_last_result_is_told_as_the_completion()
    {
        var results = (string[])["240p", "360p", "480p", "audio"];
        IMessage[] messages = [Uploaded, Probed, .. results.Select(Encoded), Pictures];
        Assert.Empty(Outbox.For(After(messages[..^1]), Encoded("audio")));
        Assert.IsType<EncodeCompleted>(Assert.Single(Outbox.For(After(messages), Pictures)).Message);
    }

    [Fact]
    public void A_message_that_comes_again_publishes_the_same_again()
    {
        IMessage[] messages = [Uploaded, Probed, Started("240p", 1), Failed("240p", 1), Encoded("360p")];
        for (var i = 1; i <= messages.Length; i++)
        {
            var job = After(messages[..i]);
            var again = Work(job, messages[i - 1], T0.AddHours(1));
            Assert.Equivalent(Outbox.For(job, messages[i - 1]).ToList(), Outbox.For(again, messages[i - 1]).ToList());
        }
    }

    [Fact]
    public void A_retry_sends_the_command_with_its_attempt_and_the_last_failure_is_told()
    {
        IMessage[] messages = [Uploaded, Probed, Failed("480p", 1), Failed("480p", 2), Failed("480p", 3)];
        foreach (var attempt in (int[])[1, 2])
        {
            var sent = Outbox.For(After(messages[..(attempt + 2)]), Failed("480p", attempt)).ToList();
            Assert.Equal(attempt + 1, Assert.IsType<EncodeRung>(sent[1].Message).Attempt);
        }

        var told = Assert.IsType<EncodeTaskFailed>(Assert.Single(
            Outbox.For(After(messages), Failed("480p", 3))).Message);
        Assert.Equal((false, EncodeJob.PlannerName), (told.WillRetry, told.Worker));
    }

    [Fact]
    public void What_a_worker_gave_up_is_not_told_twice()
    {
        var failed = Failed("480p", 1, willRetry: false);
        Assert.Empty(Outbox.For(After(Uploaded, Probed, failed), failed));
    }

    [Fact]
    public void A_quiet_task_is_commanded_again()
    {
        var resent = new EncodeTaskResent(Id, "240p", 2, "quiet", T0);
        var job = EncodeJob.Apply(After(Uploaded, Probed, Started("240p", 1)), resent);
        Assert.Equal(2, EncodeTasks.Of(Outbox.ForQuiet(job, resent).Last().Message).Attempt);
    }

    private static EncodeJob After(params IMessage[] messages) =>
        messages.Aggregate(EncodeJob.None, (job, message) => Work(job, message, T2));

    private static EncodeJob Work(EncodeJob job, IMessage message, DateTimeOffset now) =>
        EncodeJob.Decide(job, message, Rules, now).Aggregate(job, EncodeJob.Apply);
}
