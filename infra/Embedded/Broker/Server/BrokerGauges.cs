using System.Diagnostics.Metrics;

namespace EventStream.Embedded.Broker.Server;

/// <summary>
/// What the broker is in at the moment that somebody asks: sizes, depths and the lag of groups. Nothing of it is kept
/// up to date between two questions.
/// </summary>
internal static class BrokerGauges
{
    public static void Publish(BrokerNode node, Func<int> connections)
    {
        var meter = node.Counters.Meter;
        meter.CreateObservableGauge("broker.connections", connections, "{connection}", "Connections open");
        meter.CreateObservableGauge(
            "broker.bytes.in.flight",
            () => node.Budget.Taken,
            "By",
            "Large requests and responses held in memory"
        );
        meter.CreateObservableGauge("broker.purgatory.depth", () => Depths(node), "{request}", "Requests that wait");
        meter.CreateObservableGauge("broker.log.size", () => Sizes(node), "By", "Bytes of the logs, by topic");
        meter.CreateObservableGauge(
            "broker.log.segments",
            () => Segments(node),
            "{segment}",
            "Segments, each with a file open, by topic"
        );
        meter.CreateObservableGauge(
            "broker.partitions",
            () => node.Topics.All.Sum(t => t.Partitions.Length),
            "{partition}",
            "Partitions"
        );
        meter.CreateObservableGauge(
            "broker.group.lag",
            () => Lags(node).Take(node.Options.LagSeriesMax),
            "{record}",
            "Records between a group's committed offset and the end of the partition"
        );
        meter.CreateObservableGauge("broker.groups", () => GroupsByState(node), "{group}", "Groups, by state");
    }

    private static IEnumerable<Measurement<int>> Depths(BrokerNode node)
    {
        foreach (var what in Enum.GetValues<WaitingFor>())
        {
            yield return new Measurement<int>(
                node.Purgatory.Depth(what),
                new KeyValuePair<string, object?>("for", what)
            );
        }
    }

    private static IEnumerable<Measurement<long>> Sizes(BrokerNode node)
    {
        foreach (var topic in node.Topics.All)
        {
            yield return new Measurement<long>(
                topic.Partitions.Sum(p => p.Size),
                new KeyValuePair<string, object?>("topic", topic.Name)
            );
        }
    }

    private static IEnumerable<Measurement<int>> Segments(BrokerNode node)
    {
        foreach (var topic in node.Topics.All)
        {
            yield return new Measurement<int>(
                topic.Partitions.Sum(p => p.SegmentCount),
                new KeyValuePair<string, object?>("topic", topic.Name)
            );
        }
    }

    private static IEnumerable<Measurement<long>> Lags(BrokerNode node)
    {
        foreach (var group in node.Groups.Offsets.Groups())
        {
            foreach (var partition in node.Groups.Offsets.PartitionsOf(group))
            {
                if (
                    node.Groups.Offsets.Find(group, partition).Offset is { } committed
                    && node.Topics.Partition(partition.Topic, partition.Partition) is { } log
                )
                {
                    yield return new Measurement<long>(
                        Math.Max(log.LogEnd - Math.Max(committed.Offset, log.LogStart), 0),
                        new KeyValuePair<string, object?>("group", group),
                        new KeyValuePair<string, object?>("topic", partition.Topic),
                        new KeyValuePair<string, object?>("partition", partition.Partition)
                    );
                }
            }
        }
    }

    private static IEnumerable<Measurement<int>> GroupsByState(BrokerNode node)
    {
        foreach (var state in node.Groups.All.GroupBy(g => g.State))
        {
            yield return new Measurement<int>(state.Count(), new KeyValuePair<string, object?>("state", state.Key));
        }
    }
}
