using System.Collections.Concurrent;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>One record that Kafka does not take costs no other record, on either broker.</summary>
public sealed class RefusedBatchTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public Task A_record_that_is_refused_costs_none_of_the_records_in_its_batch() =>
        ABadRecordIsAloneAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task A_record_that_Apache_Kafka_refuses_costs_none_of_the_records_in_its_batch() =>
        await ABadRecordIsAloneAsync(await ApacheKafka.BootstrapAsync());

    [Fact]
    public Task Records_that_are_too_large_only_together_are_all_taken() => TooLargeTogetherAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task Records_that_are_too_large_only_together_are_all_taken_by_Apache_Kafka() =>
        await TooLargeTogetherAsync(await ApacheKafka.BootstrapAsync());

    [Fact]
    public Task An_event_of_a_clock_that_runs_ahead_is_taken_and_keeps_its_own_time() =>
        AClockAheadIsTakenAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task An_event_of_a_clock_that_runs_ahead_is_taken_by_Apache_Kafka() =>
        await AClockAheadIsTakenAsync(await ApacheKafka.BootstrapAsync());

    private static async Task ABadRecordIsAloneAsync(string bootstrap)
    {
        await using var rig = await MessagingRig.StartAsync(bootstrap);
        await LimitAsync(rig, 8000);
        using var producer = Producer(rig);
        var outcomes = await SendAsync(producer, rig, 100, i => i == 50 ? new string('k', 9000) : $"{i}");
        var (refused, failure) = Assert.Single(outcomes, outcome => outcome.Value is not null);
        Assert.Equal(50, refused);
        Assert.Equal(ErrorCode.MsgSizeTooLarge, failure!.Error.Code);
        Assert.Contains("max.message.bytes", failure.Message);
        await AssertStoredAsync(rig, Enumerable.Range(0, 100).Where(i => i != 50));
        Assert.Equal(0, producer.InFlight);
    }

    private static async Task TooLargeTogetherAsync(string bootstrap)
    {
        await using var rig = await MessagingRig.StartAsync(bootstrap);
        await LimitAsync(rig, 2000);
        using var producer = Producer(rig);
        var outcomes = await SendAsync(producer, rig, 100, i => $"{i}");
        Assert.DoesNotContain(outcomes, outcome => outcome.Value is not null);
        await AssertStoredAsync(rig, Enumerable.Range(0, 100));
    }

    private static async Task AClockAheadIsTakenAsync(string bootstrap)
    {
        await using var rig = await MessagingRig.StartAsync(bootstrap);
        using var producer = Producer(rig);
        var before = TimeProvider.System.GetUtcNow().AddMilliseconds(-1);
        var ahead = before.AddDays(3);
        await producer.PublishAsync(rig.Topic, "k", MessagingRig.Numbered("k", 1), ahead, None);
        var message = Assert.Single(await rig.RecordsAsync(1)).Message;
        Assert.InRange(message.Timestamp.UtcDateTime, before.UtcDateTime, TimeProvider.System.GetUtcNow().UtcDateTime);
        var own = DateTimeOffset.Parse(
            CloudEvents.Text(message.Headers, CloudEvents.Time)!,
            System.Globalization.CultureInfo.InvariantCulture
        );
        Assert.InRange(own, ahead.AddMilliseconds(-1), ahead.AddMilliseconds(1));
    }

    /// <summary>Sends numbered records without waiting between them, so that they share batches.</summary>
    private static async Task<ConcurrentDictionary<int, PublishException?>> SendAsync(
        EventProducer producer,
        MessagingRig rig,
        int count,
        Func<int, string> key
    )
    {
        var outcomes = new ConcurrentDictionary<int, PublishException?>();
        for (var i = 0; i < count; i++)
        {
            var number = i;
            await producer.SendAsync(
                rig.Topic,
                key(i),
                MessagingRig.Numbered("k", i),
                Now,
                failure => outcomes[number] = failure,
                None
            );
        }

        await Eventually.HoldsAsync(() => outcomes.Count == count, "every outcome is told");
        return outcomes;
    }

    private static async Task AssertStoredAsync(MessagingRig rig, IEnumerable<int> numbers)
    {
        var wanted = numbers.ToList();
        var read = await rig.MessagesAsync(wanted.Count);
        Assert.Equal(wanted, read.Select(message => (int)message.Value).Order());
    }

    private static EventProducer Producer(MessagingRig rig) =>
        new(rig.Kafka, new TestRole(), NullLogger<EventProducer>.Instance);

    private static async Task LimitAsync(MessagingRig rig, int bytes)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig(rig.Kafka.ClientConfig("limit"))).Build();
        var topic = new ConfigResource { Type = ResourceType.Topic, Name = rig.Topic.Name };
        await admin.IncrementalAlterConfigsAsync(
            new Dictionary<ConfigResource, List<ConfigEntry>>
            {
                [topic] =
                [
                    new ConfigEntry
                    {
                        Name = "max.message.bytes",
                        Value = $"{bytes}",
                        IncrementalOperation = AlterConfigOpType.Set,
                    },
                ],
            }
        );
    }
}
