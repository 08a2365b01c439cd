using ClickHouse.Driver;
using Confluent.Kafka;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// Where the sink stands: the highest sequence given away, the next offset of each partition, and the ranges of the
/// last plan,
/// <paramref name="Planned"/>, which may or may not have been inserted.
/// </summary>
public sealed record SinkPosition(
    ulong Sequence,
    ulong Planned,
    IReadOnlyDictionary<TopicPartition, long> Next,
    IReadOnlyList<OffsetRange> InDoubt
);

/// <summary>Another sink has written since this one began; only one may run.</summary>
public sealed class SinkFencedException(string writer)
    : Exception($"Another sink ('{writer}') writes to the same warehouse; stop one of the two.");

/// <summary>
/// The plan of every flush, kept in ClickHouse beside the data and written before it. A flush begins only when the
/// one before was acknowledged as a whole, so after a crash exactly the ranges of the highest sequence are in doubt;
/// read and inserted again with the same tokens, they end up stored once, in the tables and in their materialized
/// views.
/// </summary>
public sealed class SinkLedger(IClickHouseClient client, string writer, TimeProvider clock)
{
    private const string Table = "es.sink_batches";

    /// <summary>
    /// A plan younger than this may belong to a sink that still runs, rather than to one that was killed.
    /// </summary>
    private static readonly TimeSpan FreshPlan = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Time in which the flush that such a sink has begun comes to an end; after it, the claim stops it.
    /// </summary>
    private static readonly TimeSpan TakeOverDelay = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Claims the ledger, so that a sink that still runs stops at its next plan, and reads the position. Throws
    /// <see cref="ClickHouseServerException"/> and <see cref="HttpRequestException"/>.
    /// </summary>
    public async Task<SinkPosition> TakeOverAsync(CancellationToken cancellation)
    {
        var newest = await NewestAsync(cancellation);
        await WriteAsync([new OffsetRange(new TopicPartition("", 0), 0, 0)], newest.Sequence + 1, cancellation);
        var another = newest.Sequence > 0 && newest.Writer != writer;
        if (another && newest.AgeMs < FreshPlan.TotalMilliseconds)
            await Task.Delay(TakeOverDelay, clock, cancellation);
        return await ReadAsync(cancellation);
    }

    /// <summary>
    /// Writes the plan of a flush. Throws <see cref="SinkFencedException"/> when the ledger is no longer this sink's
    /// own.
    /// </summary>
    public async Task PlanAsync(IReadOnlyList<OffsetRange> ranges, ulong sequence, CancellationToken cancellation)
    {
        var newest = await NewestAsync(cancellation);
        if (newest.Writer != writer || newest.Sequence >= sequence)
            throw new SinkFencedException(newest.Writer);
        await WriteAsync(ranges, sequence, cancellation);
    }

    private async Task<SinkPosition> ReadAsync(CancellationToken cancellation)
    {
        var rows = await client.ListAsync(
            $"SELECT topic, k_partition, first_offset, last_offset, sequence FROM {Table} FINAL",
            row =>
                (
                    Range: new OffsetRange(
                        new TopicPartition(row.GetString(0), (int)row.GetFieldValue<uint>(1)),
                        (long)row.GetFieldValue<ulong>(2),
                        (long)row.GetFieldValue<ulong>(3)
                    ),
                    Sequence: row.GetFieldValue<ulong>(4)
                ),
            cancellation
        );
        // A row without topic is the claim of a sink.
        var plans = rows.Where(row => row.Range.Partition.Topic.Length > 0).ToList();
        var planned = plans.Select(row => row.Sequence).DefaultIfEmpty().Max();
        return new SinkPosition(
            rows.Select(row => row.Sequence).DefaultIfEmpty().Max(),
            planned,
            plans.ToDictionary(row => row.Range.Partition, row => row.Range.Last + 1),
            [.. plans.Where(row => row.Sequence == planned).Select(row => row.Range)]
        );
    }

    private async Task WriteAsync(IReadOnlyList<OffsetRange> ranges, ulong sequence, CancellationToken cancellation)
    {
        object?[] Row(OffsetRange range) =>
            [range.Partition.Topic, range.Partition.Partition.Value, range.First, range.Last, sequence, writer];

        string[] columns = ["topic", "k_partition", "first_offset", "last_offset", "sequence", "writer"];
        await client.InsertOnceAsync(
            Table,
            columns,
            [.. ranges.Select(Row)],
            $"plan/{writer}/{sequence}",
            cancellation
        );
    }

    private async Task<Newest> NewestAsync(CancellationToken cancellation)
    {
        var rows = await client.ListAsync(
            $"""
            SELECT max(b.sequence) AS sequence, argMax(b.writer, (b.sequence, b.planned_at)) AS writer,
                toInt64(date_diff('millisecond', max(b.planned_at), now64(3))) AS age_ms
            FROM {Table} AS b
            """,
            row => new Newest(row.GetFieldValue<ulong>(0), row.GetString(1), row.GetFieldValue<long>(2)),
            cancellation
        );
        return rows.Single();
    }

    private sealed record Newest(ulong Sequence, string Writer, long AgeMs);
}
