using System.Text.Json.Serialization.Metadata;
using EventStream.Contracts;

namespace EventStream.EventStore.Projections;

/// <summary>
/// A projection whose rows are documents: one JSON per id in the columns tenant, id, version, position, data. Documents
/// are immutable records; returning null deletes one.
/// </summary>
public abstract class DocumentProjection<TDocument> : Projection
    where TDocument : class
{
    private protected DocumentProjection(string name, int version, JsonTypeInfo<TDocument> json)
        : base(name, version) => Json = json;

    /// <summary>How a document is written; the source-generated serializer of its shape.</summary>
    public JsonTypeInfo<TDocument> Json { get; }

    /// <summary>More SQL for the table, such as an index on a member of <c>data</c>.</summary>
    protected virtual string Indexes => "";

    /// <remarks>
    /// A document is rewritten with every event of it. Half a page that is left free takes the new row beside the old
    /// one, so that no index entry has to be made; that is two fifths of what the write costs.
    /// </remarks>
    public override string Definition =>
        $$"""
        create table {table} (
            tenant   text   not null,
            id       text   not null,
            version  bigint not null,
            position bigint not null,
            data     jsonb  not null,
            primary key (tenant, id)
        ) with (fillfactor = 50);
        {{Indexes}}
        """;

    /// <summary>Adds the ids of the documents that an event changes.</summary>
    internal abstract void Route(RecordedEvent recorded, List<string> ids);

    /// <summary>The document after an event; null where there is none before or after.</summary>
    internal abstract TDocument? Next(TDocument? document, string id, RecordedEvent recorded);

    /// <summary>Whether an event is known to be the first of its document, which saves looking for one.</summary>
    internal virtual bool IsFirst(RecordedEvent recorded) => false;

    internal override ProjectionSession Open(SessionOptions options) => new DocumentSession<TDocument>(this, options);
}

/// <summary>
/// One document per stream of a category: its id is what stands after the hyphen. Derive, and write <see
/// cref="Evolve"/>
/// beside the document's record.
/// </summary>
public abstract class SingleStreamProjection<TDocument>(
    string name, int version, string category, JsonTypeInfo<TDocument> json)
    : DocumentProjection<TDocument>(name, version, json)
    where TDocument : class
{
    private readonly string prefix = category + "-";

    /// <summary>The document after an event; <paramref name="document"/> is null before the first.</summary>
    protected abstract TDocument? Evolve(TDocument? document, RecordedEvent recorded);

    /// <summary>
    /// Live: the document folded from its stream at the time of asking, never behind and without a table; as it was at
    /// a
    /// version with <paramref name="asOfVersion"/>.
    /// </summary>
    public async Task<TDocument?> LiveAsync(
        IEventStore store, string id, CancellationToken cancellation, long asOfVersion = long.MaxValue)
    {
        TDocument? document = null;
        await foreach (var recorded in store.FetchStreamAsync(
            prefix + id, new StreamRange { ToVersion = asOfVersion }, cancellation))
            document = Next(document, id, recorded);

        return document;
    }

    internal override bool KeepsToStreams => true;

    internal override bool Concerns(string stream) => stream.StartsWith(prefix, StringComparison.Ordinal);

    internal override bool Takes(RecordedEvent recorded) => Concerns(recorded.Stream);

    internal override void Route(RecordedEvent recorded, List<string> ids) => ids.Add(recorded.Stream[prefix.Length..]);

    /// <summary>A stream that was ended for ever takes its document with it.</summary>
    internal override TDocument? Next(TDocument? document, string id, RecordedEvent recorded) =>
        recorded.Data is StreamTombstoned ? null : Evolve(document, recorded);

    internal override bool IsFirst(RecordedEvent recorded) => recorded.Version == 1;
}

/// <summary>
/// One document from many streams, found by a key: for example one per publisher. The keys of an event may be none or
/// several.
/// </summary>
/// <remarks>
/// An async one sees the events of a document in order of position. An inline one sees those of different streams in
/// the
/// order in which their appends got the document's lock, so there its fold must not depend on the order between
/// streams.
/// </remarks>
public abstract class MultiStreamProjection<TDocument>(string name, int version, JsonTypeInfo<TDocument> json)
    : DocumentProjection<TDocument>(name, version, json)
    where TDocument : class
{
    /// <summary>The ids of the documents that an event changes.</summary>
    protected abstract IEnumerable<string> Identities(RecordedEvent recorded);

    /// <summary>The document <paramref name="id"/> after an event; null before the first.</summary>
    protected abstract TDocument? Evolve(TDocument? document, string id, RecordedEvent recorded);

    internal override bool Takes(RecordedEvent recorded) => true;

    internal override void Route(RecordedEvent recorded, List<string> ids) => ids.AddRange(Identities(recorded));

    internal override TDocument? Next(TDocument? document, string id, RecordedEvent recorded) =>
        Evolve(document, id, recorded);
}
