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
    /// <summary>The order in which streams are locked, the same for every append.</summary>
    public static readonly IComparer<EncodedAppend> Order = Comparer<EncodedAppend>.Create((a, b) =>
        string.CompareOrdinal(a.Tenant, b.Tenant) is var byTenant and not 0
            ? byTenant : string.CompareOrdinal(a.Stream, b.Stream));

    public int Count => Ids.Length;
}
