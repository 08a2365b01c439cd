using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace EventStream.Warehouse.Sink;

/// <summary>Where the sink stands: the next offset of each partition, and the ranges that may or may not have been inserted.</summary>
public sealed record SinkPosition(
    ulong Sequence, IReadOnlyDictionary<TopicPartition, long> Next, IReadOnlyList<OffsetRange> InDoubt);

/// <summary>Another sink has written since this one began; only one may run.</summary>
public sealed class SinkFencedException(string writer)
    : Exception($"Another sink ('{writer}') writes to the same warehouse; stop one of the two.");

/// <summary>
/// The plan of every flush, kept in ClickHouse beside the data and written before it. A flush begins only when the one before
/// was acknowledged as a whole, so after a crash exactly the ranges of the highest sequence are in doubt; read and inserted
/// again with the same tokens, they end up stored once, in the tables and in their materialized views.
/// </summary>
public sealed class SinkLedger(ClickHouseClient client, string writer)
{
    /// <summary>Reads the position. Throws <see cref="ClickHouseException"/> and <see cref="HttpRequestException"/>.</summary>
    public async Task<SinkPosition> ReadAsync(CancellationToken cancellation)
    {
        var sequence = 0UL;
        var next = new Dictionary<TopicPartition, long>();
        var latest = new List<(ulong Sequence, OffsetRange Range)>();
        var rows = client.QueryAsync<PlanRow>(
            "SELECT topic, k_partition, first_offset, last_offset, sequence FROM es.sink_batches FINAL", cancellation);
        await foreach (var row in rows)
        {
            var partition = new TopicPartition(row.Topic, row.KPartition);
            next[partition] = row.LastOffset + 1;
            latest.Add((row.Sequence, new OffsetRange(partition, row.FirstOffset, row.LastOffset)));
            sequence = Math.Max(sequence, row.Sequence);
        }

        return new SinkPosition(
            sequence, next, [.. latest.Where(row => row.Sequence == sequence).Select(row => row.Range)]);
    }

    /// <summary>
    /// Writes the plan of a flush. Throws <see cref="SinkFencedException"/> when the last plan is not this sink's own, as soon
    /// as <paramref name="previous"/> plans were its own.
    /// </summary>
    public async Task PlanAsync(
        IReadOnlyList<OffsetRange> ranges, ulong sequence, bool previous, CancellationToken cancellation)
    {
        await CheckFenceAsync(sequence, previous, cancellation);
        var rows = new StringBuilder();
        foreach (var range in ranges)
        {
            rows.Append(CultureInfo.InvariantCulture, $$"""
                {"topic":"{{range.Partition.Topic}}","k_partition":{{range.Partition.Partition.Value}},"first_offset":{{range.First}},"last_offset":{{range.Last}},"sequence":{{sequence}},"writer":"{{writer}}"}
                """).Append('\n');
        }

        await client.InsertAsync(
            "es.sink_batches", Encoding.UTF8.GetBytes(rows.ToString()),
            string.Create(CultureInfo.InvariantCulture, $"plan/{writer}/{sequence}"), cancellation);
    }

    private async Task CheckFenceAsync(ulong sequence, bool previous, CancellationToken cancellation)
    {
        var newest = client.QueryAsync<LastPlan>(
            "SELECT max(sequence) AS sequence, argMax(writer, sequence) AS writer FROM es.sink_batches", cancellation);
        await foreach (var last in newest)
        {
            if (last.Sequence >= sequence || (previous && last.Writer != writer)) throw new SinkFencedException(last.Writer);
        }
    }

    private sealed record PlanRow(string Topic, int KPartition, long FirstOffset, long LastOffset, ulong Sequence);

    private sealed record LastPlan(ulong Sequence, string Writer);
}
