using EventStream.Contracts;
using EventStream.Qoe;
using EventStream.Streams;

namespace EventStream.Unit.Tests.Qoe;

/// <summary>What the topology has in Kafka. Open sessions survive an upgrade because these names stay.</summary>
public sealed class QoeTopologyTests
{
    [Fact]
    public void Steps_topics_and_stores_keep_their_names()
    {
        var scope = new StreamScope(new StreamsOptions { ApplicationId = "qoe" }, TimeProvider.System, new Never());
        var shape = StreamShape.Of(QoeTopology.Build(new QoeOptions(), scope), scope);
        Assert.Equal(
            [Topics.CdnRequests.Name, Topics.PlaybackBeacons.Name],
            shape.Inputs.Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            [
                "load-known load-progress load-sums task-1-time",
                "load-parts requests-waiting sessions task-0-time",
                "task-2-time windows",
            ],
            shape
                .Steps.Select(step => string.Join(' ', step.Stores.Order(StringComparer.Ordinal)))
                .Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            [("qoe-load-repartition", (int?)1), ("qoe-windows-repartition", null)],
            shape.Steps.SelectMany(step => step.Repartitions).OrderBy(topic => topic.Name, StringComparer.Ordinal)
        );
    }

    private sealed class Never : IIdleTime
    {
        public DateTimeOffset? Of(IReadOnlyList<string> topics, int partition, DateTimeOffset? lastRecord) => null;
    }
}
