using System.Globalization;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// One configuration entry of a topic: its name, default, type number on the wire and what values it takes.
/// </summary>
internal sealed record TopicConfigEntry(string Name, string Default, sbyte WireType, Func<string, bool> IsValid);

/// <summary>The configuration of a topic: the defaults and what was set. The names are those of Apache Kafka.</summary>
internal sealed class TopicConfig(IReadOnlyDictionary<string, string> set)
{
    private const sbyte WireString = 2;
    private const sbyte WireInt = 3;
    private const sbyte WireLong = 5;
    private const sbyte WireList = 7;
    private const sbyte WireBoolean = 1;

    /// <summary>Every entry that a topic may set.</summary>
    public static readonly IReadOnlyList<TopicConfigEntry> Entries =
    [
        new("cleanup.policy", "delete", WireList, IsCleanupPolicy),
        new("compression.type", "producer", WireString, v => v is "producer"),
        new("delete.retention.ms", "86400000", WireLong, v => IsLong(v, 0)),
        new("flush.messages", "9223372036854775807", WireLong, v => IsLong(v, 1)),
        new("flush.ms", "9223372036854775807", WireLong, v => IsLong(v, 0)),
        new("index.interval.bytes", "16384", WireInt, v => IsInt(v, 0)),
        new("max.compaction.lag.ms", "9223372036854775807", WireLong, v => IsLong(v, 1)),
        new("max.message.bytes", "1048588", WireInt, v => IsInt(v, 0)),
        new("message.timestamp.after.max.ms", "3600000", WireLong, v => IsLong(v, 0)),
        new("message.timestamp.before.max.ms", "9223372036854775807", WireLong, v => IsLong(v, 0)),
        new("message.timestamp.type", "CreateTime", WireString, v => v is "CreateTime" or "LogAppendTime"),
        new("min.cleanable.dirty.ratio", "0.5", 6, IsRatio),
        new("min.compaction.lag.ms", "0", WireLong, v => IsLong(v, 0)),
        new("min.insync.replicas", "1", WireInt, v => IsInt(v, 1)),
        new("retention.bytes", "-1", WireLong, v => IsLong(v, -1)),
        new("retention.ms", "604800000", WireLong, v => IsLong(v, -1)),
        new("segment.bytes", "134217728", WireInt, v => IsInt(v, 14)),
        new("segment.index.bytes", "10485760", WireInt, v => IsInt(v, 4)),
        new("segment.ms", "604800000", WireLong, v => IsLong(v, 1)),
        new("unclean.leader.election.enable", "false", WireBoolean, v => v is "true" or "false"),
    ];

    private readonly long _segmentMs = long.Parse(Value(set, "segment.ms"));

    public IReadOnlyDictionary<string, string> Set { get; } = new Dictionary<string, string>(set);

    public bool IsDeleted { get; } = Value(set, "cleanup.policy").Contains("delete");

    public bool IsCompacted { get; } = Value(set, "cleanup.policy").Contains("compact");

    public int BatchBytesMax { get; } = int.Parse(Value(set, "max.message.bytes"));

    public long RetentionBytes { get; } = long.Parse(Value(set, "retention.bytes"));

    public long RetentionMs { get; } = long.Parse(Value(set, "retention.ms"));

    public int SegmentBytes { get; } = int.Parse(Value(set, "segment.bytes"));

    /// <summary>
    /// How far the timestamps of a segment may reach; in a compacted topic no further than the compaction lag, since
    /// only a segment that is complete is compacted.
    /// </summary>
    public long SegmentMs => IsCompacted ? Math.Min(_segmentMs, MaxCompactionLagMs) : _segmentMs;

    public long TimestampBeforeMaxMs { get; } = long.Parse(Value(set, "message.timestamp.before.max.ms"));

    public long TimestampAfterMaxMs { get; } = long.Parse(Value(set, "message.timestamp.after.max.ms"));

    public int IndexIntervalBytes { get; } = int.Parse(Value(set, "index.interval.bytes"));

    /// <summary>After how many records the log is flushed to the disk, whatever the broker's flush mode.</summary>
    public long FlushMessages { get; } = long.Parse(Value(set, "flush.messages"));

    /// <summary>How long a record may wait until it is flushed to the disk.</summary>
    public long FlushMs { get; } = long.Parse(Value(set, "flush.ms"));

    public long DeleteRetentionMs { get; } = long.Parse(Value(set, "delete.retention.ms"));

    public long MinCompactionLagMs { get; } = long.Parse(Value(set, "min.compaction.lag.ms"));

    public long MaxCompactionLagMs { get; } = long.Parse(Value(set, "max.compaction.lag.ms"));

    public double MinCleanableDirtyRatio { get; } = double.Parse(Value(set, "min.cleanable.dirty.ratio"));

    public bool LogAppendTime { get; } = Value(set, "message.timestamp.type") == "LogAppendTime";

    public string Value(string name) => Value(Set, name);

    /// <summary>Says what is wrong with an entry; null when it is right.</summary>
    public static string? Check(string name, string? value)
    {
        var entry = Entries.FirstOrDefault(e => e.Name == name);
        if (entry is null)
        {
            return $"Unknown topic configuration '{name}'.";
        }
        return value is not null && entry.IsValid(value)
            ? null
            : $"Invalid value '{value}' for configuration '{name}'.";
    }

    private static string Value(IReadOnlyDictionary<string, string> set, string name) =>
        set.GetValueOrDefault(name) ?? Entries.First(e => e.Name == name).Default;

    private static bool IsCleanupPolicy(string value) =>
        value.Length == 0 || value.Split(',').All(p => p.Trim() is "compact" or "delete");

    private static bool IsLong(string value, long min) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var v) && v >= min;

    private static bool IsInt(string value, int min) => IsLong(value, min) && long.Parse(value) <= int.MaxValue;

    private static bool IsRatio(string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var v) && v is >= 0 and <= 1;
}
