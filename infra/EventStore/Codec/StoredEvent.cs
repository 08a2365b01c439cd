namespace EventStream.EventStore.Codec;

/// <summary>
/// An event as it lies in a store: data and metadata are JSON in UTF-8, personal texts encrypted. Where rows are read
/// one after another both lie in memory that the next row is read into.
/// </summary>
internal readonly record struct StoredEvent(
    long Position, string Stream, long Version, Guid Id, string Name, ReadOnlyMemory<byte> Data,
    ReadOnlyMemory<byte> Metadata, DateTimeOffset RecordedAt, string Tenant);

/// <summary>An append on its way into a store, every event of it serialized.</summary>
internal sealed record EncodedAppend(
    string Tenant, string Stream, ExpectedVersion Expected, Guid[] Ids, string[] Names, byte[][] Data, byte[] Metadata)
{
    /// <summary>The events before they were serialized, which projections within the append are given.</summary>
    public required IReadOnlyList<NewEvent> Events { get; init; }

    /// <summary>The metadata before it was serialized.</summary>
    public required EventMetadata Surroundings { get; init; }

    /// <summary>The order in which streams are locked, the same for every append.</summary>
    public static readonly IComparer<EncodedAppend> Order = Comparer<EncodedAppend>.Create((a, b) =>
        string.CompareOrdinal(a.Tenant, b.Tenant) is var byTenant and not 0
            ? byTenant : string.CompareOrdinal(a.Stream, b.Stream));

    public int Count => Ids.Length;

    /// <summary>The events as they were recorded, the last of them at a version.</summary>
    public IEnumerable<RecordedEvent> Recorded(long lastVersion, ReadOnlyMemory<long?> positions, DateTime at) =>
        Events.Select((e, i) => new RecordedEvent(
            positions.Span[i] ?? 0, Stream, lastVersion - Count + 1 + i, e.Id, Names[i], e.Data, Surroundings,
            new DateTimeOffset(at), Tenant));
}
