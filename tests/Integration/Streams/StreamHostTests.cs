using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Messaging;
using EventStream.Streams;
using EventStream.Streams.State;
using EventStream.Tests.Kit;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Integration.Tests.Streams;

/// <summary>The host of a topology on a broker: failures, unreadable input, restarts, and what it measures.</summary>
public sealed class StreamHostTests
{
    private const int Keys = 20;
    private static readonly DateTimeOffset T0 = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly Topic input = Named("in");
    private readonly Topic output = Named("out");
    private int failures;

    [Fact]
    public async Task A_stream_that_fails_in_the_middle_of_a_record_is_built_again_and_nothing_is_doubled_or_lost()
    {
        await using var broker = await StreamsBroker.StartAsync();
        await broker.Admin.EnsureAsync([input, output, Topics.DeadLetters], CancellationToken.None);
        broker.Write(input.Name, Records(2000));
        failures = 3;

        using var host = broker.Host(Counting, Options("one"));
        await host.StartAsync(CancellationToken.None);
        var read = broker.ReadUntil(output, all => all.Count >= 4000);
        await host.StopAsync(CancellationToken.None);

        Assert.Equal(0, failures);
        Assert.Equal(4000, broker.Committed(output));
        // Each record gives its count twice: 1, 1, 2, 2, ... for its key.
        foreach (var key in read.GroupBy(record => Encoding.UTF8.GetString(record.Message.Key)))
        {
            var counts = key.Select(record => Count(record).Value);
            Assert.Equal(Enumerable.Range(2, 200).Select(n => (double)(n / 2)), counts);
        }
    }

    [Fact]
    public async Task Unreadable_input_is_set_aside_and_the_state_is_read_back_by_the_next_instance()
    {
        await using var broker = await StreamsBroker.StartAsync();
        await broker.Admin.EnsureAsync([input, output, Topics.DeadLetters], CancellationToken.None);
        broker.Write(input.Name, Records(500));
        broker.Write(input.Name, [new Message<byte[], byte[]> { Key = [1], Value = [2, 3] }]);
        var gauges = new ConcurrentDictionary<string, double>();
        using var meters = Listen(gauges);

        using (var first = broker.Host(Counting, Options("one")))
        {
            await first.StartAsync(CancellationToken.None);
            broker.ReadUntil(output, all => all.Count >= 1000);
            var letters = broker.ReadUntil(Topics.DeadLetters, all => Letters(all).Count > 0);
            Assert.Equal("AgM=", Letters(letters).Single().ValueBase64);
            await UntilAsync(() => first.Status is { State: StreamsState.Running, Bad: 1, Lag: 0, Processed: 501 });
            Assert.NotNull(first.Find<string, Holder>("counts", "key-1"));
            await UntilAsync(() =>
            {
                meters.RecordObservableInstruments();
                return gauges.ContainsKey("eventstream.streams.commit_ratio");
            });
            await first.StopAsync(CancellationToken.None);
            Assert.Equal(StreamsState.Stopped, first.Status.State);
        }

        broker.Write(input.Name, Records(Keys));
        using var second = broker.Host(Counting, Options("one"));
        await second.StartAsync(CancellationToken.None);
        var read = broker.ReadUntil(output, all => all.Count >= 1040);
        Assert.Equal(26, Count(read[^1]).Value);
        Assert.True(second.Status.Restore is { Total: > 0 } restore && restore.Done == restore.Total);
        Assert.True(second.Status.Restore!.Records >= Keys);
        await second.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Two_instances_share_the_partitions_and_one_takes_over_what_the_other_leaves()
    {
        await using var broker = await StreamsBroker.StartAsync();
        await broker.Admin.EnsureAsync([input, output, Topics.DeadLetters], CancellationToken.None);
        using var first = broker.Host(Counting, Options("one"));
        await first.StartAsync(CancellationToken.None);
        await UntilAsync(() => first.Status is { State: StreamsState.Running, Tasks.Count: 2 });
        broker.Write(input.Name, Records(1000));
        using var second = broker.Host(Counting, Options("two"));
        await second.StartAsync(CancellationToken.None);
        await UntilAsync(() =>
            first.Status is { State: StreamsState.Running, Tasks.Count: 1 }
            && second.Status is { State: StreamsState.Running, Tasks.Count: 1 }
        );
        await first.StopAsync(CancellationToken.None);
        broker.Write(input.Name, Records(1000));
        var read = broker.ReadUntil(output, all => all.Count >= 4000);
        await second.StopAsync(CancellationToken.None);

        Assert.Equal(4000, broker.Committed(output));
        foreach (var key in read.GroupBy(record => Encoding.UTF8.GetString(record.Message.Key)))
        {
            Assert.Equal(
                Enumerable.Range(2, 200).Select(n => (double)(n / 2)),
                key.Select(record => Count(record).Value)
            );
        }
    }

    private Topology Counting(StreamScope scope)
    {
        var builder = new StreamBuilder()
            .AddKeyValueStore(scope, "counts", SerDes.Text, new HolderSerDes())
            .AddClock(scope, "clock");
        builder
            .Batches(
                input.Name,
                new BatchSerDes<string>(
                    (data, _) => data[0] >= ' ' ? Encoding.UTF8.GetString(data) : throw new FormatException("no text")
                )
            )
            .Process(new StepSpec<string>(scope, [input.Name], "clock", () => new Counter(this)), "counts")
            .OfType<LoadMeasured>()
            .To(output);
        return builder.Build();
    }

    private StreamsOptions Options(string instance) =>
        new()
        {
            ApplicationId = $"{input.Name}-app",
            InstanceId = instance,
            SessionTimeout = TimeSpan.FromSeconds(6),
            CommitInterval = TimeSpan.FromMilliseconds(50),
            BatchMax = 50,
        };

    private static IEnumerable<Message<byte[], byte[]>> Records(int count) =>
        Enumerable
            .Range(0, count)
            .Select(n => new Message<byte[], byte[]>
            {
                Key = Encoding.UTF8.GetBytes($"key-{n % Keys}"),
                Value = "1"u8.ToArray(),
                Timestamp = new Timestamp(T0.AddMilliseconds(n)),
            });

    private List<RecordDeadLettered> Letters(List<ConsumeResult<byte[], byte[]>> read) =>
        [
            .. read.Select(record =>
                    SerDes.ReadMessage<RecordDeadLettered>(record.Message.Value, record.Message.Headers)
                )
                .Where(letter => letter.Topic == input.Name),
        ];

    private static LoadMeasured Count(ConsumeResult<byte[], byte[]> record) =>
        SerDes.ReadMessage<LoadMeasured>(record.Message.Value, record.Message.Headers);

    private static MeterListener Listen(ConcurrentDictionary<string, double> gauges)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter == Telemetry.Meter)
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => gauges[instrument.Name] = value);
        listener.Start();
        return listener;
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
            await Task.Delay(50, limit.Token);
    }

    private static Topic Named(string word) => new($"{word}-{Guid.NewGuid():N}", "key", "test", "test", 2, null);

    private sealed record Holder(long Value);

    private sealed class HolderSerDes : Streamiz.Kafka.Net.SerDes.AbstractSerDes<Holder>
    {
        public override byte[] Serialize(Holder data, SerializationContext context) =>
            SerDes.Long.Serialize(data.Value, context);

        public override Holder Deserialize(byte[] data, SerializationContext context) =>
            new(SerDes.Long.Deserialize(data, context));
    }

    /// <summary>Tells each count twice, and fails between the two as often as the test says.</summary>
    private sealed class Counter(StreamHostTests test) : Processor<string>
    {
        private TypedKeyValueStore<string, Holder> counts = null!;

        protected override void Init() => counts = Context.Store<TypedKeyValueStore<string, Holder>>("counts");

        protected override void Process(StreamRecord<string> record)
        {
            var count = (counts.TryGet(record.Key, out var before) ? before.Value : 0) + 1;
            counts.Put(record.Key, new Holder(count));
            var message = new LoadMeasured(record.Key, record.Time, 1, count, "records");
            Forward(record.Key, message, record.Time);
            if (count == 40 && test.failures > 0)
            {
                test.failures--;
                throw new InvalidOperationException("as the test wants it");
            }

            Forward(record.Key, message, record.Time);
        }
    }
}
