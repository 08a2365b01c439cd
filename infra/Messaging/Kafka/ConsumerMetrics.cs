using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace EventStream.Messaging.Kafka;

/// <summary>How far the consumers of this process are behind.</summary>
internal static class ConsumerMetrics
{
    private static readonly ConcurrentDictionary<EventConsumer, byte> Alive = new();

    static ConsumerMetrics() =>
        Telemetry.Meter.CreateObservableGauge(
            "eventstream.messaging.lag",
            Lags,
            "{message}",
            "Records of a partition that a group has not processed yet."
        );

    public static void Add(EventConsumer consumer) => Alive.TryAdd(consumer, 0);

    public static void Remove(EventConsumer consumer) => Alive.TryRemove(consumer, out _);

    private static IEnumerable<Measurement<long>> Lags() =>
        from consumer in Alive.Keys
        from lag in consumer.Lags
        select new Measurement<long>(
            lag.Records,
            new("messaging.consumer.group.name", consumer.Group),
            new("messaging.destination.name", lag.Topic),
            new("messaging.destination.partition.id", lag.Partition)
        );
}
