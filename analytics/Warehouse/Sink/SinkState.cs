using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Confluent.Kafka;
using EventStream.Messaging;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// Where one partition stands: the next offset to store, the end of the log, and how many records lie between.
/// </summary>
public sealed record PartitionStatus(string Topic, int Partition, long NextOffset, long EndOffset, long Lag);

/// <summary>
/// What the sink is doing, written by its loop and read by status, readiness and metrics. Thread-safe.
/// </summary>
public sealed class SinkState
{
    private readonly ConcurrentDictionary<TopicPartition, PartitionStatus> partitions = new();
    private readonly Counter<long> rows = Telemetry.Meter.CreateCounter<long>(
        "eventstream.warehouse.rows",
        description: "Rows acknowledged by ClickHouse."
    );
    private readonly Counter<long> flushes = Telemetry.Meter.CreateCounter<long>(
        "eventstream.warehouse.flushes",
        description: "Flushes acknowledged as a whole."
    );
    private readonly Counter<long> deadLetters = Telemetry.Meter.CreateCounter<long>(
        "eventstream.warehouse.dead_letters",
        description: "Records that had to be set aside."
    );
    private readonly Histogram<double> duration = Telemetry.Meter.CreateHistogram<double>(
        "eventstream.warehouse.flush.duration",
        "s",
        "Plan and inserts of a flush."
    );

    public SinkState() =>
        Telemetry.Meter.CreateObservableGauge(
            "eventstream.warehouse.lag",
            () => partitions.Values.Sum(partition => partition.Lag),
            description: "Records in the topics that are not stored yet."
        );

    /// <summary>Why it does not run, or null while it does.</summary>
    public string? Missing { get; set; } = "The sink is starting.";

    /// <summary>The sequence of the last flush that was acknowledged.</summary>
    public ulong Sequence { get; private set; }

    /// <summary>Rows stored since the role started.</summary>
    public long RowsStored { get; private set; }

    public IReadOnlyList<PartitionStatus> Partitions =>
        [
            .. partitions
                .Values.OrderBy(partition => partition.Topic, StringComparer.Ordinal)
                .ThenBy(partition => partition.Partition),
        ];

    internal void At(TopicPartition partition, long next, long end) =>
        partitions[partition] = new PartitionStatus(
            partition.Topic,
            partition.Partition.Value,
            next,
            Math.Max(end, next),
            Math.Max(0, end - next)
        );

    internal void Flushed(ulong sequence, SinkBatch batch, int letters, TimeSpan took)
    {
        Sequence = sequence;
        RowsStored += batch.Rows;
        rows.Add(batch.Rows);
        flushes.Add(1);
        if (letters > 0)
            deadLetters.Add(letters);
        duration.Record(took.TotalSeconds);
    }
}
