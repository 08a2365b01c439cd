namespace EventStream.Contracts;

/// <summary>
/// The last event of a stream that has ended; what the earlier ones said is removed. A reader that keeps rows about
/// the stream deletes them.
/// </summary>
[WireName("store.stream-tombstoned.v1")]
public sealed record StreamTombstoned(string Stream, string Reason, DateTimeOffset TombstonedAt) : IEvent;
