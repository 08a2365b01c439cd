using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Confluent.Kafka;

namespace EventStream.Warehouse.Sink;

/// <summary>Offsets that a batch covers of one partition, both ends included.</summary>
public readonly record struct OffsetRange(TopicPartition Partition, long First, long Last);

/// <summary>
/// Records on their way into tables: cut by rows, bytes or age, whichever comes first. Its ranges name exactly which
/// records it holds, and so its tokens name exactly which rows.
/// </summary>
public sealed class SinkBatch(SinkOptions options)
{
    private readonly Dictionary<TopicPartition, OffsetRange> ranges = [];
    private readonly Dictionary<string, TableBatch> tables = new(StringComparer.Ordinal);
    private long? begun;

    public int Records { get; private set; }

    public int Rows => tables.Values.Sum(table => table.Rows);

    /// <summary>The tables that have rows.</summary>
    public IReadOnlyList<TableBatch> Tables => [.. tables.Values.Where(table => table.Rows > 0)];

    /// <summary>The ranges in the order of topic and partition.</summary>
    public IReadOnlyList<OffsetRange> Ranges => [.. ranges.Values
        .OrderBy(range => range.Partition.Topic, StringComparer.Ordinal)
        .ThenBy(range => range.Partition.Partition.Value)];

    /// <summary>
    /// Takes a record; <paramref name="timestamp"/> is <see cref="TimeProvider.GetTimestamp"/> of now.
    /// </summary>
    public void Take(SinkRecord record, long timestamp)
    {
        begun ??= timestamp;
        var partition = new TopicPartition(record.Topic, record.Partition);
        ranges[partition] = ranges.TryGetValue(partition, out var range)
            ? range with { Last = Math.Max(range.Last, record.Offset) }
            : new OffsetRange(partition, record.Offset, record.Offset);
        Records++;
        RecordRouter.Route(record, this);
    }

    /// <summary>
    /// Declares a range that was planned before, so that the tokens come out the same even where retention took
    /// records away.
    /// </summary>
    public void Cover(OffsetRange range) => ranges[range.Partition] = range;

    /// <summary>Whether it is full or old enough to be written.</summary>
    public bool IsDue(TimeProvider clock) =>
        begun is { } start
            && (Rows >= options.BatchRowsMax || tables.Values.Sum(table => table.Bytes) >= options.BatchBytesMax
            || clock.GetElapsedTime(start).TotalMilliseconds >= options.BatchAgeMilliseconds);

    /// <summary>Adds a row to a table, with the columns that name its record.</summary>
    internal void Add(string table, SinkRecord record, Action<RowWriter> write)
    {
        if (!tables.TryGetValue(table, out var batch)) tables[table] = batch = new TableBatch(table);
        batch.Add(record, write);
    }

    /// <summary>
    /// The deduplication token of a table's rows: the same when the same ranges are planned under the same sequence,
    /// and never the same otherwise.
    /// </summary>
    public string Token(string table, ulong sequence)
    {
        var text = string.Join(' ', Ranges.Select(range => string.Create(
            CultureInfo.InvariantCulture,
            $"{range.Partition.Topic}:{range.Partition.Partition.Value}:{range.First}-{range.Last}")));
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
        return string.Create(CultureInfo.InvariantCulture, $"{table}/{sequence}/{hash}");
    }
}

/// <summary>Rows of one table as JSON, one a line, each with the record that it came from.</summary>
public sealed class TableBatch(string table)
{
    private readonly ArrayBufferWriter<byte> lines = new();
    private readonly ArrayBufferWriter<byte> scratch = new();
    private readonly List<(int End, SinkRecord Record)> rows = [];

    public string Table { get; } = table;

    public int Rows => rows.Count;

    public int Bytes => lines.WrittenCount;

    /// <summary>The lines of some of its rows.</summary>
    public ReadOnlyMemory<byte> Lines(Range range)
    {
        var (offset, length) = range.GetOffsetAndLength(rows.Count);
        var start = offset == 0 ? 0 : rows[offset - 1].End;
        var end = length == 0 ? start : rows[offset + length - 1].End;
        return lines.WrittenMemory[start..end];
    }

    /// <summary>The record behind a row.</summary>
    public SinkRecord RecordOf(int row) => rows[row].Record;

    /// <summary>The same rows, ordered by topic, partition and offset.</summary>
    public TableBatch InRecordOrder()
    {
        var ordered = new TableBatch(Table);
        var indexes = Enumerable.Range(0, rows.Count)
            .OrderBy(i => rows[i].Record.Topic, StringComparer.Ordinal).ThenBy(i => rows[i].Record.Partition)
            .ThenBy(i => rows[i].Record.Offset).ThenBy(i => i);
        foreach (var index in indexes)
        {
            ordered.lines.Write(Lines(index..(index + 1)).Span);
            ordered.rows.Add((ordered.lines.WrittenCount, rows[index].Record));
        }

        return ordered;
    }

    internal void Add(SinkRecord record, Action<RowWriter> write)
    {
        // A row that fails half-way is left behind in the scratch space and not among the lines.
        scratch.ResetWrittenCount();
        using var row = new RowWriter(scratch);
        row.Begin();
        write(row);
        row.Text("event_id", record.EventId).Text("k_topic", record.Topic).Count("k_partition", record.Partition)
            .Count("k_offset", record.Offset);
        row.End();
        lines.Write(scratch.WrittenSpan);
        rows.Add((lines.WrittenCount, record));
    }
}
