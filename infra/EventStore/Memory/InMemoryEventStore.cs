using System.Runtime.CompilerServices;
using EventStream.Contracts;
using EventStream.EventStore.Codec;
using EventStream.EventStore.Privacy;
using EventStream.EventStore.Upcasting;

namespace EventStream.EventStore.Memory;

/// <summary>
/// The event store without a disk, for specifications and tests; it behaves as the one on PostgreSQL. Events go
/// through stored JSON and back, so that a shape which does not survive it is found without a database.
/// </summary>
public sealed class InMemoryEventStore : IEventStore
{
    private readonly InMemoryLog log;
    private readonly EventCodec codec;
    private readonly SubjectKeys keys;
    private readonly TimeProvider time;

    /// <summary>An empty store; without options it reads every event as it was written.</summary>
    public InMemoryEventStore(TimeProvider time, StoreOptions? options = null)
    {
        this.time = time;
        keys = new InMemorySubjectKeys(time);
        codec = new EventCodec(options?.Upcasters ?? Upcasters.None, keys);
        log = new InMemoryLog(time);
        Tenant = Tenants.Default;
    }

    private InMemoryEventStore(InMemoryEventStore store, EventCodec codec, string tenant) =>
        (log, this.codec, keys, time, Tenant) = (store.log, codec, store.keys, store.time, tenant);

    public string Tenant { get; }

    public IEventStore ForTenant(string tenant) => new InMemoryEventStore(this, codec, Tenants.Check(tenant));

    /// <summary>The same events, read through these upcasters, as by a newer program.</summary>
    public InMemoryEventStore With(Upcasters upcasters) => new(this, new EventCodec(upcasters, keys), Tenant);

    public async Task<AppendResult> AppendAsync(
        string stream, ExpectedVersion expected, IReadOnlyList<NewEvent> events, EventMetadata metadata,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        AppendRules.Check(stream, events);
        return log.Append([await codec.EncodeAsync(Tenant, stream, expected, events, metadata, cancellation)])[0];
    }

    public async Task<IReadOnlyList<AppendResult>> AppendManyAsync(
        IReadOnlyList<StreamAppend> appends, EventMetadata metadata, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        AppendRules.Check(appends);
        var encoded = new List<EncodedAppend>();
        foreach (var (stream, expected, events) in appends)
            encoded.Add(await codec.EncodeAsync(Tenant, stream, expected, events, metadata, cancellation));
        AppendRules.CheckTotal(appends[0].Stream, encoded.Sum(one => one.Data.Sum(data => (long)data.Length)));
        return log.Append(encoded);
    }

    public async IAsyncEnumerable<RecordedEvent> FetchStreamAsync(
        string stream, StreamRange? range = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var rows = log.Read(Tenant, stream, range ?? StreamRange.All);
        foreach (var recorded in await codec.DecodeAsync(rows, cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return recorded;
        }
    }

    public Task<StreamState?> FetchStreamStateAsync(string stream, CancellationToken cancellation) =>
        Task.FromResult(log.StateOf(Tenant, stream));

    public Task ArchiveAsync(string stream, CancellationToken cancellation) => Move(stream, StreamLife.Archived);

    public Task RestoreAsync(string stream, CancellationToken cancellation) => Move(stream, StreamLife.Active);

    public async Task TombstoneAsync(string stream, string reason, CancellationToken cancellation)
    {
        var last = new NewEvent(Guid.NewGuid(), new StreamTombstoned(stream, reason, time.GetUtcNow()));
        log.Tombstone(await codec.EncodeAsync(
            Tenant, stream, ExpectedVersion.Exists, [last], EventMetadata.Current(), cancellation));
    }

    public async Task<bool> EraseSubjectAsync(string subject, CancellationToken cancellation)
    {
        log.ForgetSnapshots(Tenant);
        return await keys.EraseAsync(Tenant, subject, cancellation);
    }

    public Task<Snapshot?> LoadSnapshotAsync(string stream, string shape, CancellationToken cancellation) =>
        Task.FromResult(log.SnapshotOf(Tenant, stream, shape));

    public Task SaveSnapshotAsync(string stream, Snapshot snapshot, CancellationToken cancellation)
    {
        log.Keep(Tenant, stream, snapshot);
        return Task.CompletedTask;
    }

    public async Task<IReadOnlyList<RecordedEvent>> ReadAllAsync(
        long afterPosition, int max, CancellationToken cancellation) =>
        await codec.DecodeAsync(log.ReadAll(afterPosition, max), cancellation);

    public Task<long> HighWaterAsync(CancellationToken cancellation) => Task.FromResult(log.Last);

    private Task Move(string stream, StreamLife to)
    {
        log.Move(Tenant, stream, to);
        return Task.CompletedTask;
    }
}
