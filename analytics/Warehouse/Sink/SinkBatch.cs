using System.Security.Cryptography;
using System.Text;
using Confluent.Kafka;
using EventStream.Warehouse.Sink.Rows;

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
    private readonly Dictionary<Table, List<StoredRow>> tables = [];
    private long? begun;
    private long bytes;

    public int Records { get; private set; }

    public int Rows => tables.Values.Sum(rows => rows.Count);

    /// <summary>The tables that have rows.</summary>
    public IReadOnlyList<TableBatch> Tables => [.. tables.Select(pair => new TableBatch(pair.Key, pair.Value))];

    /// <summary>The ranges in the order of topic and partition.</summary>
    public IReadOnlyList<OffsetRange> Ranges =>
        [
            .. ranges
                .Values.OrderBy(range => range.Partition.Topic, StringComparer.Ordinal)
                .ThenBy(range => range.Partition.Partition.Value),
        ];

    /// <summary>
    /// Takes a record; <paramref name="timestamp"/> is <see cref="TimeProvider.GetTimestamp"/> of now.
    /// </summary>
    public void Take(SinkRecord record, long timestamp)
    {
        begun ??= timestamp;
        var partition = new TopicPartition(record.Topic, record.Partition);
        var first = ranges.TryGetValue(partition, out var range) ? range.First : record.Offset;
        ranges[partition] = new OffsetRange(partition, first, Math.Max(range.Last, record.Offset));
        Records++;
        bytes += record.Key.Length + record.Value.Length;
        foreach (var (table, row) in RecordRouter.Route(record))
            Add(table, row);
    }

    /// <summary>
    /// Declares a range that was planned before, so that the tokens come out the same even where retention took
    /// records away.
    /// </summary>
    public void Cover(OffsetRange range) => ranges[range.Partition] = range;

    /// <summary>Whether it is full or old enough to be written.</summary>
    public bool IsDue(TimeProvider clock) =>
        begun is { } start
        && (
            Rows >= options.BatchRowsMax
            || bytes >= options.BatchBytesMax
            || clock.GetElapsedTime(start).TotalMilliseconds >= options.BatchAgeMilliseconds
        );

    /// <summary>Adds a row to a table.</summary>
    internal void Add(Table table, StoredRow row)
    {
        if (!tables.TryGetValue(table, out var rows))
            tables[table] = rows = [];
        rows.Add(row);
    }

    /// <summary>
    /// The deduplication token of a table's rows: the same when the same ranges are planned under the same sequence,
    /// and never the same otherwise.
    /// </summary>
    public string Token(string table, ulong sequence)
    {
        var text = string.Join(
            ' ',
            Ranges.Select(range =>
                $"{range.Partition.Topic}:{range.Partition.Partition.Value}:{range.First}-{range.Last}"
            )
        );
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
        return $"{table}/{sequence}/{hash}";
    }
}
