using ClickHouse.Driver;
using Column = ClickHouse.Driver.ClickHouseColumnAttribute;

namespace EventStream.Warehouse.Sink.Rows;

/// <summary>
/// One row of a table: its public properties are the table's columns, and the driver reads them when it sends the row.
/// Every row names the record that it came from.
/// </summary>
/// <param name="record">The record behind the row.</param>
public abstract class StoredRow(SinkRecord record)
{
    // The range of DateTime64; a time outside would fail the whole batch for the sake of one bad clock.
    private static readonly DateTimeOffset TimeMin = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset TimeMax = new(2105, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [ClickHouseNotMapped]
    public SinkRecord Record { get; } = record;

    [Column(Name = "event_id")]
    public string EventId => Record.EventId;

    [Column(Name = "k_topic")]
    public string Topic => Record.Topic;

    [Column(Name = "k_partition")]
    public uint Partition => (uint)Record.Partition;

    [Column(Name = "k_offset")]
    public ulong Offset => (ulong)Record.Offset;

    /// <summary>Text that an old shape of a message may lack.</summary>
    protected static string Text(string? value) => value ?? "";

    /// <summary>A number, or null for what is not known and for what is no number.</summary>
    protected static double? Known(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    /// <summary>A number, or 0 for what is none.</summary>
    protected static double Number(double value) => double.IsFinite(value) ? value : 0;

    /// <summary>A time; outside 1970 to 2105 the nearest bound, which is what ClickHouse's DateTime can hold.</summary>
    protected static DateTime Utc(DateTimeOffset value) =>
        (
            value < TimeMin ? TimeMin
            : value > TimeMax ? TimeMax
            : value
        ).UtcDateTime;

    protected static string[] Texts(IEnumerable<string?>? values) => [.. (values ?? []).Select(Text)];

    protected static Dictionary<string, double> Numbers(IEnumerable<KeyValuePair<string, double>>? values) =>
        (values ?? []).ToDictionary(pair => pair.Key, pair => Number(pair.Value), StringComparer.Ordinal);

    /// <summary>A member that its table needs. Throws <see cref="InvalidOperationException"/> without it.</summary>
    protected static T Needed<T>(T? member, string name)
        where T : class => member ?? throw new InvalidOperationException($"there is no {name}");
}
