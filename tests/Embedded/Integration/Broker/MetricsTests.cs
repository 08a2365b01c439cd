using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Confluent.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>What an operator can measure of a broker: the meter <c>EventStream.Broker</c>.</summary>
[Trait("Category", "Integration")]
public sealed class MetricsTests : IAsyncLifetime
{
    private readonly TestBroker broker = new()
    {
        Configure = o => o with { CompactionCheckInterval = TimeSpan.FromMilliseconds(100) },
    };

    private readonly ConcurrentDictionary<string, double> sums = new();
    private readonly ConcurrentDictionary<string, string?> units = new();
    private readonly MeterListener listener = new();

    [Fact]
    public async Task Requests_are_counted_and_timed_by_api()
    {
        var topic = await ProduceAsync(records: 10);
        Clients.ReadAll(broker, topic, 10);
        foreach (var api in (string[])["Produce", "Fetch", "Metadata", "ApiVersions", "CreateTopics"])
        {
            Assert.True(Sum($"broker.request.duration api={api}") > 0, api);
        }
        Assert.Equal("s", units["broker.request.duration"]);
    }

    [Fact]
    public async Task The_lag_of_a_group_falls_as_it_commits()
    {
        var topic = await ProduceAsync(records: 10);
        using var consumer = Clients.Consumer(broker, "lagging");
        consumer.Commit([new TopicPartitionOffset(topic, 0, 4)]);
        Assert.Equal(6, Observe($"broker.group.lag group=lagging topic={topic} partition=0"));
        consumer.Commit([new TopicPartitionOffset(topic, 0, 10)]);
        Assert.Equal(0, Observe($"broker.group.lag group=lagging topic={topic} partition=0"));
    }

    [Fact]
    public async Task Sizes_and_connections_are_observed()
    {
        var topic = await ProduceAsync(records: 10);
        Assert.True(Observe($"broker.log.size topic={topic}") > 1000);
        using var consumer = Clients.Consumer(broker, "connected");
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.End));
        await Wait.UntilAsync(
            "a consumer is connected",
            () =>
            {
                consumer.Consume(TimeSpan.FromMilliseconds(50));
                return Observe("broker.connections") > 0;
            }
        );
    }

    [Fact]
    public async Task A_log_that_is_compacted_is_seen_to_shrink()
    {
        var topic = await ProduceAsync(
            records: 50,
            ("cleanup.policy", "compact"),
            ("segment.bytes", "1000"),
            ("min.cleanable.dirty.ratio", "0")
        );
        await Wait.UntilAsync(
            "records were compacted away",
            () => Observe($"broker.log.size topic={topic}") < 50 * 100
        );
    }

    public async Task InitializeAsync()
    {
        await broker.InitializeAsync();
        var meter = broker.Running.Counters.Meter;
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter != meter)
                return;
            units[instrument.Name] = instrument.Unit;
            self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Record(i, value, tags));
        listener.SetMeasurementEventCallback<int>((i, value, tags, _) => Record(i, value, tags));
        listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Record(i, value, tags));
        listener.Start();
    }

    public async Task DisposeAsync()
    {
        listener.Dispose();
        await broker.DisposeAsync();
    }

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var name = instrument.Name;
        foreach (var (key, tag) in tags)
            name += $" {key}={tag}";
        if (instrument.IsObservable)
            sums[name] = value;
        else
            sums.AddOrUpdate(name, value, (_, sum) => sum + value);
    }

    private double Sum(string name) => sums.GetValueOrDefault(name);

    private double Observe(string name)
    {
        sums.TryRemove(name, out _);
        listener.RecordObservableInstruments();
        return sums.TryGetValue(name, out var value)
            ? value
            : throw new KeyNotFoundException($"{name} is not among {string.Join(", ", sums.Keys)}.");
    }

    private async Task<string> ProduceAsync(int records, params (string, string)[] configs)
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1, configs);
        using var producer = Clients.Producer(broker);
        for (var i = 0; i < records; i++)
        {
            var message = new Message<string, string> { Key = "k", Value = new string('v', 100) };
            await producer.ProduceAsync(topic, message);
        }

        return topic;
    }
}
