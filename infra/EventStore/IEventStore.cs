using EventStream.Contracts;

namespace EventStream.EventStore;

/// <summary>
/// Streams of events, the truth about videos and jobs. A stream is named <c>category-id</c>, such as
/// <c>video-0190...</c>; its events are numbered 1, 2, 3 ... (version) and every event of the store has a growing
/// position. History is not changed: a stream may be archived, ended by a tombstone, or lose what it says of a person
/// who was erased, and its versions and positions stay.
/// </summary>
/// <remarks>
/// A handle serves one <see cref="Tenant"/>, whose streams no other handle can reach. <see cref="ReadAllAsync"/> alone
/// reads the log of every tenant: it is for readers of the whole store, such as projections and the relay.
/// </remarks>
public interface IEventStore
{
    /// <summary>Whose streams this handle reads and writes.</summary>
    string Tenant { get; }

    /// <summary>The same store for another tenant. Throws <see cref="ArgumentException"/> for a bad name.</summary>
    IEventStore ForTenant(string tenant);

    /// <summary>
    /// Appends events in one transaction. An append whose event ids are all in the stream already changes nothing and
    /// returns where they are. Throws <see cref="WrongExpectedVersionException"/> when the stream has another version
    /// than expected, <see cref="DuplicateEventException"/> when some of the ids belong to other events,
    /// <see cref="StreamArchivedException"/>, <see cref="StreamTombstonedException"/>, and
    /// <see cref="InvalidAppendException"/> for what exceeds a bound.
    /// </summary>
    Task<AppendResult> AppendAsync(
        string stream, ExpectedVersion expected, IReadOnlyList<NewEvent> events, EventMetadata metadata,
        CancellationToken cancellation);

    /// <summary>
    /// Appends to several streams in one transaction and one round trip: all of it, or nothing. The results stand in
    /// the order of the appends. Throws as <see cref="AppendAsync"/> does, for the first stream that refuses.
    /// </summary>
    Task<IReadOnlyList<AppendResult>> AppendManyAsync(
        IReadOnlyList<StreamAppend> appends, EventMetadata metadata, CancellationToken cancellation);

    /// <summary>
    /// The events of a stream in order of version; none where there is no stream, where it was tombstoned, or where it
    /// is archived and the range does not ask for that. Throws <see cref="MissingEventsException"/> where a part of the
    /// stream was moved out of the store.
    /// </summary>
    IAsyncEnumerable<RecordedEvent> FetchStreamAsync(
        string stream, StreamRange? range = null, CancellationToken cancellation = default);

    /// <summary>What is known of a stream besides its events, or null where there is none.</summary>
    Task<StreamState?> FetchStreamStateAsync(string stream, CancellationToken cancellation);

    /// <summary>
    /// Puts a stream away: it refuses appends and reads as empty unless asked for. Throws
    /// <see cref="StreamNotFoundException"/> and <see cref="StreamTombstonedException"/>.
    /// </summary>
    Task ArchiveAsync(string stream, CancellationToken cancellation);

    /// <summary>Takes a stream back from the archive. Throws as <see cref="ArchiveAsync"/> does.</summary>
    Task RestoreAsync(string stream, CancellationToken cancellation);

    /// <summary>
    /// Removes what the events of a stream say and refuses appends to it for ever. Its versions and positions stay;
    /// one last event, <see cref="StreamTombstoned"/>, tells the readers. The second time changes nothing. Throws
    /// <see cref="StreamNotFoundException"/>.
    /// </summary>
    Task TombstoneAsync(string stream, string reason, CancellationToken cancellation);

    /// <summary>
    /// Erases a person from the events of the tenant by destroying the key of its personal data, and the snapshots that
    /// may hold it. What was personal reads as <see cref="PersonalDataAttribute.Erased"/>. Returns whether anything was
    /// known of the person.
    /// </summary>
    Task<bool> EraseSubjectAsync(string subject, CancellationToken cancellation);

    /// <summary>
    /// The newest fold of a stream that was kept in this shape, or null. It may be older than the stream, never newer.
    /// </summary>
    Task<Snapshot?> LoadSnapshotAsync(string stream, string shape, CancellationToken cancellation);

    /// <summary>Keeps a fold. One that is older than what is kept is passed over.</summary>
    Task SaveSnapshotAsync(string stream, Snapshot snapshot, CancellationToken cancellation);

    /// <summary>
    /// At most <paramref name="max"/> events of all streams and tenants after a position, in order of position, none
    /// beyond <see cref="HighWaterAsync"/>; archived streams too, so that what is rebuilt equals what was kept, and no
    /// event that a tombstone emptied. A reader that goes on from the last position it saw misses no event.
    /// </summary>
    Task<IReadOnlyList<RecordedEvent>> ReadAllAsync(long afterPosition, int max, CancellationToken cancellation);

    /// <summary>
    /// The position up to which every event is visible: no running transaction can still commit one at or below it.
    /// </summary>
    Task<long> HighWaterAsync(CancellationToken cancellation);
}

/// <summary>An event to append. The id makes a repeated append harmless.</summary>
public sealed record NewEvent(Guid Id, IEvent Data);

/// <summary>The part of an append to several streams that is for one of them.</summary>
public sealed record StreamAppend(string Stream, ExpectedVersion Expected, IReadOnlyList<NewEvent> Events);

/// <summary>
/// An event as the store holds it. Version counts from 1 within the stream, position grows over all streams.
/// <c>WireName</c> and <c>Data</c> are of the shape that the upcasters made of what was stored.
/// </summary>
public sealed record RecordedEvent(
    long Position, string Stream, long Version, Guid Id, string WireName, IEvent Data, EventMetadata Metadata,
    DateTimeOffset RecordedAt, string Tenant = Tenants.Default);

/// <summary>
/// The version of the last event appended, and its position. Repeated says that the events were in the stream before.
/// </summary>
public readonly record struct AppendResult(long Version, long Position, bool Repeated = false);

/// <summary>A fold of a stream up to a version, as JSON of a named shape.</summary>
public sealed record Snapshot(string Shape, long Version, ReadOnlyMemory<byte> State);

/// <summary>The tenants of a store.</summary>
public static class Tenants
{
    /// <summary>The tenant of a store that has only one.</summary>
    public const string Default = "default";

    /// <summary>Longest name, in characters.</summary>
    public const int NameMax = 100;

    /// <summary>The name, or <see cref="ArgumentException"/> when it cannot be one.</summary>
    internal static string Check(string tenant) =>
        !string.IsNullOrWhiteSpace(tenant) && tenant.Length <= NameMax && !tenant.Contains('\0') ? tenant
            : throw new ArgumentException($"A tenant's name has 1 to {NameMax} characters.", nameof(tenant));
}
