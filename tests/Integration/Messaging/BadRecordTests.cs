using System.Collections.Concurrent;
using System.Text;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>What becomes of records that cannot be read or processed, on a real broker.</summary>
public sealed class BadRecordTests(TestBroker broker) : IClassFixture<TestBroker>
{
    [Fact]
    public Task Bad_records_become_dead_letters_with_cause_and_origin_and_the_others_go_on() =>
        BadRecordsBecomeDeadLettersAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task Bad_records_become_dead_letters_on_Apache_Kafka() =>
        await BadRecordsBecomeDeadLettersAsync(await ApacheKafka.BootstrapAsync());

    [Fact]
    public async Task A_record_larger_than_a_letter_may_be_is_cut_and_says_so()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        rig.PublishRaw("large", "strange.v1", new byte[900_000]);
        await rig.StartConsumerAsync((_, _) => Task.CompletedTask);
        var letter = Assert.Single(await rig.LettersAsync(1));
        Assert.Equal(512 * 1024, Convert.FromBase64String(letter.ValueBase64).Length);
        Assert.EndsWith("(the value of 900000 bytes is cut to 524288)", letter.Cause);
    }

    [Fact]
    public async Task Under_the_policy_continue_bad_records_are_passed_over()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        rig.PublishRaw("odd", null, "?"u8.ToArray());
        await rig.PublishAsync("k", 0);
        var handled = new Handled();
        await rig.StartConsumerAsync(
            (message, _) =>
            {
                handled.Add(message);
                return Task.CompletedTask;
            },
            options => options with { BadRecords = BadRecordPolicy.Continue }
        );
        await Eventually.HoldsAsync(() => rig.Committed() == 2, "both are done");
        Assert.Equal(1, handled.Count);
    }

    [Fact]
    public async Task Under_the_policy_stop_the_consumer_says_why_commits_what_was_done_and_leaves_the_group()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        await rig.PublishAsync("k", 0, 1);
        rig.PublishRaw("odd", "strange.v1", "?"u8.ToArray());
        var consumer = await rig.StartConsumerAsync(
            (_, _) => Task.CompletedTask,
            options => options with { BadRecords = BadRecordPolicy.Stop }
        );
        await Eventually.HoldsAsync(() => consumer.Trouble is not null, "the consumer stops");
        Assert.StartsWith(
            $"The record at {rig.Topic} [[0]] @2 cannot be processed: 'strange.v1' is not",
            consumer.Trouble
        );
        Assert.Equal(2, rig.Committed());

        var next = await rig.StartConsumerAsync((_, _) => Task.CompletedTask);
        await rig.LettersAsync(1);
        Assert.Null(next.Trouble);
    }

    private static async Task BadRecordsBecomeDeadLettersAsync(string bootstrap)
    {
        await using var rig = await MessagingRig.StartAsync(bootstrap);
        rig.PublishRaw("untyped", null, "?"u8.ToArray());
        rig.PublishRaw("strange", "strange.v1", "{}"u8.ToArray());
        rig.PublishRaw("broken", "traffic.load-measured.v1", "not json"u8.ToArray());
        await rig.PublishAsync("failing", 0);
        await rig.PublishAsync("healed", 0);
        var tries = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        await rig.StartConsumerAsync(
            (message, _) =>
                (message.Key, Try: tries.AddOrUpdate(message.Key, 1, (_, n) => n + 1)) switch
                {
                    ("failing", _) or ("healed", < 3) => throw new TimeoutException("the database is away"),
                    _ => Task.CompletedTask,
                },
            options => options with { RetriesMax = 3 }
        );

        var letters = (await rig.LettersAsync(4)).OrderBy(letter => letter.Offset).ToList();
        await Eventually.HoldsAsync(() => rig.Committed() == 5, "all are done");
        Assert.Equal(
            ["untyped", "strange", "broken", "failing"],
            letters.Select(letter => Encoding.UTF8.GetString(Convert.FromBase64String(letter.KeyBase64)))
        );
        Assert.Equal([0, 0, 0, 4], letters.Select(letter => letter.Attempts));
        Assert.Equal(3, tries["healed"]);
        Assert.Equal("the header ce_type is missing", letters[0].Cause);
        Assert.Equal("?", Encoding.UTF8.GetString(Convert.FromBase64String(letters[0].ValueBase64)));
        Assert.Equal(("strange.v1", "id-strange"), (letters[1].Type, letters[1].EventId));
        Assert.Equal(
            ("the database is away", typeof(TimeoutException).FullName),
            (letters[3].Cause, letters[3].ExceptionType)
        );
        Assert.All(
            letters,
            letter => Assert.Equal((rig.Topic.Name, 0, rig.Group), (letter.Topic, letter.Partition, letter.Group))
        );
        Assert.Equal(new DateTimeOffset(2026, 11, 1, 12, 0, 0, TimeSpan.Zero), letters[3].RecordTime);
    }
}
