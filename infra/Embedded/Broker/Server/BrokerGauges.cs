using System.Diagnostics.Metrics;
using EventStream.Embedded.Broker.Groups;

namespace EventStream.Embedded.Broker.Server;

/// <summary>
/// What the broker is in at the moment that somebody asks: connections, sizes and the lag of groups. Nothing of it is
/// kept up to date between two questions.
/// </summary>
internal static class BrokerGauges
{
    /// <summary>The series of <c>broker.group.lag</c>, one for each group and partition.</summary>
    private const int LagSeriesMax = 2000;

    public static void Publish(BrokerNode node, Func<int> connections)
    {
        var meter = node.Counters.Meter;
        meter.CreateObservableGauge("broker.connections", connections, "{connection}", "Connections open");
        meter.CreateObservableGauge(
            "broker.log.size",
            () =>
                node.Topics.All.Select(t => new Measurement<long>(t.Partitions.Sum(p => p.Size), Tag("topic", t.Name))),
            "By",
            "Bytes of the logs, by topic"
        );
        meter.CreateObservableGauge(
            "broker.group.lag",
            () => Lags(node).Take(LagSeriesMax),
            "{record}",
            "Records between a group's committed offset and the end of the partition"
        );
    }

    private static IEnumerable<Measurement<long>> Lags(BrokerNode node) =>
        node
            .Groups.Offsets.Groups()
            .SelectMany(node.Groups.Offsets.PartitionsOf, (group, partition) => Lag(node, group, partition))
            .OfType<Measurement<long>>();

    private static Measurement<long>? Lag(BrokerNode node, string group, TopicPartition partition) =>
        node.Groups.Offsets.Find(group, partition).Offset is { } committed
        && node.Topics.Partition(partition.Topic, partition.Partition) is { } log
            ? new Measurement<long>(
                Math.Max(log.LogEnd - Math.Max(committed.Offset, log.LogStart), 0),
                Tag("group", group),
                Tag("topic", partition.Topic),
                Tag("partition", partition.Partition)
            )
            : null;

    private static KeyValuePair<string, object?> Tag(string name, object value) => new(name, value);
}
