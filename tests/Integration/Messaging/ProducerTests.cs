using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>The typed producer: bounds, back-pressure, order, errors, and its end.</summary>
public sealed class ProducerTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public Task Records_keep_the_order_of_the_calls_while_most_callers_wait_for_a_place() =>
        RecordsKeepTheirOrderAsync(broker.Bootstrap);

    [ApacheKafkaFact]
    public async Task Records_keep_the_order_of_the_calls_on_Apache_Kafka() =>
        await RecordsKeepTheirOrderAsync(await ApacheKafka.BootstrapAsync());

    [Fact]
    public async Task While_the_broker_is_away_callers_wait_at_the_bound_and_afterwards_every_record_is_there_once()
    {
        await using var own = await TestBroker.StartAsync();
        await using var rig = await MessagingRig.StartAsync(own.Bootstrap);
        await rig.PublishAsync("before", 0);
        using var producer = Producer(rig, kafka => kafka with { InFlightMax = 20 });
        await producer.PublishAsync(rig.Topic, "k", MessagingRig.Numbered("k", 0), Now, None);
        await own.Running.AbortAsync();

        var told = new ConcurrentQueue<PublishException?>();
        var adding = Task.Run(async () =>
        {
            for (var i = 1; i < 100; i++)
                await producer.SendAsync(rig.Topic, "k", MessagingRig.Numbered("k", i), Now, told.Enqueue, None);
        });
        await Eventually.HoldsAsync(() => producer.Waiting == 1, "the caller waits");
        Assert.Equal(20, producer.InFlight);
        Assert.False(adding.IsCompleted);

        await own.RestartAsync(abruptly: true);
        await adding.WaitAsync(MessagingRig.Patience);
        await Eventually.HoldsAsync(() => told.Count == 99, "every outcome is told");
        Assert.All(told, Assert.Null);
        var read = await rig.MessagesAsync(101);
        Assert.Equal(Enumerable.Range(0, 100), read.Where(m => m.Resource == "k").Select(m => (int)m.Value));
        Assert.Equal(0, producer.InFlight);
        Assert.Equal(0, producer.InFlightBytes);
    }

    [Fact]
    public async Task A_caller_that_stops_waiting_for_a_place_sends_nothing_and_frees_nothing()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        using var away = Producer(
            rig,
            kafka =>
                kafka with
                {
                    Bootstrap = $"127.0.0.1:{FreePort.Next()}",
                    InFlightMax = 1,
                    FlushTimeout = TimeSpan.FromMilliseconds(10),
                }
        );
        var told = new ConcurrentQueue<PublishException?>();
        await away.SendAsync(rig.Topic, "a", MessagingRig.Numbered("a", 0), Now, told.Enqueue, None);
        using var patience = new CancellationTokenSource();
        var second = away.SendAsync(rig.Topic, "b", MessagingRig.Numbered("b", 0), Now, told.Enqueue, patience.Token)
            .AsTask();
        Assert.Equal((1, 1), (away.InFlight, away.Waiting));

        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Equal((1, 0), (away.InFlight, away.Waiting));
        Assert.Empty(told);
    }

    [Fact]
    public async Task Bytes_in_flight_are_bounded_and_a_record_larger_than_the_bound_goes_alone()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        using var away = Producer(
            rig,
            kafka =>
                kafka with
                {
                    Bootstrap = $"127.0.0.1:{FreePort.Next()}",
                    InFlightBytesMax = 10_000,
                    FlushTimeout = TimeSpan.FromMilliseconds(10),
                }
        );
        var large = MessagingRig.Numbered(new string('x', 20_000), 0);
        await away.SendAsync(rig.Topic, "a", large, Now, _ => { }, None);
        var behind = away.SendAsync(rig.Topic, "b", MessagingRig.Numbered("b", 0), Now, _ => { }, None).AsTask();
        Assert.False(behind.IsCompleted);
        Assert.Equal((1, 1), (away.InFlight, away.Waiting));
    }

    [Fact]
    public async Task A_record_that_is_too_large_and_a_topic_that_is_missing_are_told_with_topic_and_remedy()
    {
        await using var strict = await TestBroker.StartAsync(options => options with { AutoCreateTopics = false });
        await using var rig = await MessagingRig.StartAsync(strict.Bootstrap);
        var large = MessagingRig.Numbered(new string('x', 2_000_000), 0);
        var tooLarge = await Assert.ThrowsAsync<PublishException>(() =>
            rig.Producer.PublishAsync(rig.Topic, "a", large, Now, None)
        );
        Assert.Equal(ErrorCode.MsgSizeTooLarge, tooLarge.Error.Code);
        Assert.Contains($"max.message.bytes of '{rig.Topic}'", tooLarge.Message);

        using var producer = Producer(rig, kafka => kafka with { DeliveryTimeout = TimeSpan.FromSeconds(2) });
        var absent = rig.Topic with { Name = "absent" };
        var taken = producer.PublishAsync(rig.Topic, "k", MessagingRig.Numbered("k", 0), Now, None);
        var unknown = await Assert.ThrowsAsync<PublishException>(() =>
            producer.PublishAsync(absent, "k", MessagingRig.Numbered("k", 0), Now, None)
        );
        await taken;
        Assert.Equal("absent", unknown.Topic);
        Assert.Contains("'absent'", unknown.Message);
        Assert.Single(await rig.MessagesAsync(1));
    }

    [Fact]
    public async Task A_producer_that_is_closed_while_the_broker_is_away_ends_in_time_and_says_what_was_not_sent()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        var log = new Lines<EventProducer>();
        var away = new EventProducer(
            rig.Kafka with
            {
                Bootstrap = $"127.0.0.1:{FreePort.Next()}",
                InFlightMax = 3,
                FlushTimeout = TimeSpan.FromMilliseconds(200),
            },
            new TestRole(),
            log
        );
        var publications = Enumerable
            .Range(0, 5)
            .Select(i => away.PublishAsync(rig.Topic, "k", MessagingRig.Numbered("k", i), Now, None))
            .ToList();
        await Task.Run(away.Dispose).WaitAsync(MessagingRig.Patience);

        foreach (var publication in publications)
        {
            var lost = await Assert.ThrowsAsync<PublishException>(() => publication);
            Assert.Equal(ErrorCode.Local_Destroy, lost.Error.Code);
        }

        Assert.Contains(
            $"Error: 5 records were not acknowledged within 0.2 s and are given up: 5 of {rig.Topic}",
            log.All
        );
        await Assert.ThrowsAsync<ObjectDisposedException>(() =>
            away.PublishAsync(rig.Topic, "k", MessagingRig.Numbered("k", 9), Now, None)
        );
    }

    [Fact]
    public async Task A_client_that_met_a_broker_of_an_older_state_is_replaced_once_and_sending_goes_on()
    {
        await using var own = await TestBroker.StartAsync();
        await using var rig = await MessagingRig.StartAsync(own.Bootstrap);
        var log = new Lines<EventProducer>();
        using var producer = new EventProducer(rig.Kafka, new TestRole(), log);
        Task PublishAsync(int number) =>
            producer.PublishAsync(rig.Topic, "k", MessagingRig.Numbered("k", number), Now, None);
        await PublishAsync(0);
        Dictionary<string, byte[]> backup = [];
        await own.RestartAsync(betweenTimes: () => backup = FilesOf(own.Folder));
        for (var i = 1; i < 4; i++)
            await PublishAsync(i);

        // The broker forgets three records, and the client's next number leaves a gap after what the broker knows.
        await own.RestartAsync(betweenTimes: () => Restore(own.Folder, backup));
        var failures = await Task.WhenAll(
            Enumerable.Range(4, 10).Select(i => Record.ExceptionAsync(() => PublishAsync(i)))
        );
        Assert.Contains(failures, failure => failure is PublishException);

        static bool TakesOver(string line) =>
            line.StartsWith("Error: A new producer takes over", StringComparison.Ordinal);
        await Eventually.HoldsAsync(() => log.All.Any(TakesOver), "a new client takes over");

        for (var i = 100; i < 103; i++)
            await PublishAsync(i);
        Assert.Single(log.All, TakesOver);
        var sent = 1 + failures.Count(failure => failure is null) + 3;
        Assert.Equal([100, 101, 102], (await rig.MessagesAsync(sent)).TakeLast(3).Select(m => (int)m.Value));
    }

    private static Dictionary<string, byte[]> FilesOf(string folder) =>
        Directory
            .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .ToDictionary(file => file, File.ReadAllBytes);

    private static void Restore(string folder, Dictionary<string, byte[]> files)
    {
        Directory.Delete(folder, recursive: true);
        foreach (var (file, bytes) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, bytes);
        }
    }

    [Fact]
    public async Task Sent_and_failed_records_and_their_time_are_measured()
    {
        await using var rig = await MessagingRig.StartAsync(broker.Bootstrap);
        var seen = new ConcurrentBag<(string Name, double Value, string? Error)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name.StartsWith("messaging.client", StringComparison.Ordinal))
                    self.EnableMeasurementEvents(instrument);
            },
        };
        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string? Tag(ReadOnlySpan<KeyValuePair<string, object?>> all, string name)
            {
                foreach (var tag in all)
                {
                    if (tag.Key == name)
                        return tag.Value as string;
                }

                return null;
            }

            if (Tag(tags, "messaging.destination.name") == rig.Topic.Name)
                seen.Add((instrument.Name, value, Tag(tags, "error.type")));
        }

        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();
        await rig.PublishAsync("k", 0, 1);
        await Assert.ThrowsAsync<PublishException>(() =>
            rig.Producer.PublishAsync(rig.Topic, "k", MessagingRig.Numbered(new string('x', 2_000_000), 0), Now, None)
        );

        Assert.Equal(2, seen.Count(m => m is { Name: "messaging.client.sent.messages", Error: null }));
        Assert.Equal(1, seen.Count(m => m is { Name: "messaging.client.sent.messages", Error: "MsgSizeTooLarge" }));
        Assert.True(seen.Count(m => m is { Name: "messaging.client.operation.duration", Value: > 0 }) >= 2);
    }

    private static async Task RecordsKeepTheirOrderAsync(string bootstrap)
    {
        await using var rig = await MessagingRig.StartAsync(bootstrap, partitions: 3);
        using var producer = Producer(rig, kafka => kafka with { InFlightMax = 7 });
        await Task.WhenAll(
            Enumerable
                .Range(0, 1_000)
                .Select(i =>
                    producer.PublishAsync(rig.Topic, $"k{i % 5}", MessagingRig.Numbered($"k{i % 5}", i / 5), Now, None)
                )
        );
        var read = await rig.MessagesAsync(1_000);
        foreach (var key in read.GroupBy(m => m.Resource, StringComparer.Ordinal))
            Assert.Equal(Enumerable.Range(0, 200), key.Select(m => (int)m.Value));
    }

    private static EventProducer Producer(MessagingRig rig, Func<KafkaOptions, KafkaOptions> configure) =>
        new(configure(rig.Kafka), new TestRole(), NullLogger<EventProducer>.Instance);
}
