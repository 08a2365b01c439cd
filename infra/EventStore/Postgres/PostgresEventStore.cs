using System.Runtime.CompilerServices;
using EventStream.EventStore.Codec;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// The event store on PostgreSQL: one round trip per append, reads that touch only the partitions they need,
/// <see cref="HighWater"/> as the bound of readers.
/// </summary>
public sealed class PostgresEventStore : IEventStore, IDisposable
{
    /// <summary>
    /// Positions that one read of the log looks at first; over a long gap each further look is twice as wide.
    /// </summary>
    internal const int WindowMin = 1000;

    internal const string ReadAll =
        $"""
        select {EventRow.OfAny} from events
        where position > $1 and position <= $2 and name <> '{EventCodec.ErasedName}' order by position limit $3
        """;

    private readonly NpgsqlDataSource source;
    private readonly HighWater highWater;
    private readonly Appender appender;
    private readonly EventCodec codec;
    private readonly StreamPages pages;
    private readonly StreamLifeCommands life;
    private readonly bool owner;

    /// <summary>A store for the default tenant; <see cref="ForTenant"/> gives handles for others.</summary>
    public PostgresEventStore(NpgsqlDataSource source, HighWater highWater, AppendSignal signal, StoreOptions options)
    {
        (this.source, this.highWater, Tenant, owner) = (source, highWater, Tenants.Default, true);
        var keys = new PostgresSubjectKeys(source, options.MasterKey, options.Time);
        codec = new EventCodec(options.Upcasters, keys);
        pages = new StreamPages(source, codec);
        appender = new Appender(source, signal, options);
        life = new StreamLifeCommands(source, signal, codec, keys, options.Time);
    }

    private PostgresEventStore(PostgresEventStore store, string tenant)
    {
        (source, highWater, appender) = (store.source, store.highWater, store.appender);
        (codec, pages, life, Tenant) = (store.codec, store.pages, store.life, tenant);
    }

    public string Tenant { get; }

    public IEventStore ForTenant(string tenant) => new PostgresEventStore(this, Tenants.Check(tenant));

    public async Task<AppendResult> AppendAsync(
        string stream, ExpectedVersion expected, IReadOnlyList<NewEvent> events, EventMetadata metadata,
        CancellationToken cancellation)
    {
        AppendRules.Check(stream, events);
        var append = await codec.EncodeAsync(Tenant, stream, expected, events, metadata, cancellation);
        return await appender.AppendAsync(append, cancellation);
    }

    public async Task<IReadOnlyList<AppendResult>> AppendManyAsync(
        IReadOnlyList<StreamAppend> appends, EventMetadata metadata, CancellationToken cancellation)
    {
        AppendRules.Check(appends);
        var encoded = new EncodedAppend[appends.Count];
        for (var i = 0; i < encoded.Length; i++)
        {
            var (stream, expected, events) = appends[i];
            encoded[i] = await codec.EncodeAsync(Tenant, stream, expected, events, metadata, cancellation);
        }

        AppendRules.CheckTotal(appends[0].Stream, encoded.Sum(one => one.Data.Sum(data => (long)data.Length)));
        return await appender.AppendManyAsync(encoded, cancellation);
    }

    public async IAsyncEnumerable<RecordedEvent> FetchStreamAsync(
        string stream, StreamRange? range = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        range ??= StreamRange.All;
        var next = Math.Max(1, range.FromVersion);
        await foreach (var page in pages.ReadAsync(Tenant, stream, next, range, cancellation))
        {
            foreach (var recorded in page)
            {
                if (recorded.Version != next)
                {
                    // What was recorded before clocks were watched may say that a later event is an earlier one.
                    if (range.ToTime is not null) yield break;
                    throw new MissingEventsException(stream, next, recorded.Version);
                }

                yield return recorded;
                next++;
            }
        }
    }

    public Task<StreamState?> FetchStreamStateAsync(string stream, CancellationToken cancellation) =>
        life.FetchStateAsync(Tenant, stream, cancellation);

    public Task ArchiveAsync(string stream, CancellationToken cancellation) =>
        life.MoveAsync(Tenant, stream, StreamLife.Archived, cancellation);

    public Task RestoreAsync(string stream, CancellationToken cancellation) =>
        life.MoveAsync(Tenant, stream, StreamLife.Active, cancellation);

    public Task TombstoneAsync(string stream, string reason, CancellationToken cancellation) =>
        life.TombstoneAsync(Tenant, stream, reason, cancellation);

    public Task<bool> EraseSubjectAsync(string subject, CancellationToken cancellation) =>
        life.EraseAsync(Tenant, subject, cancellation);

    public Task<Snapshot?> LoadSnapshotAsync(string stream, string shape, CancellationToken cancellation) =>
        life.LoadSnapshotAsync(Tenant, stream, shape, cancellation);

    public Task SaveSnapshotAsync(string stream, Snapshot snapshot, CancellationToken cancellation) =>
        life.SaveSnapshotAsync(Tenant, stream, snapshot, cancellation);

    public async Task<IReadOnlyList<RecordedEvent>> ReadAllAsync(
        long afterPosition, int max, CancellationToken cancellation)
    {
        // What is far behind the mark is safe already; asking for a newer mark would cost as much as a page.
        var known = highWater.Current;
        if (afterPosition + max <= known
            && await ReadRangeAsync(afterPosition, known, max, cancellation) is { Count: > 0 } page) return page;
        return await ReadRangeAsync(afterPosition, await highWater.AdvanceAsync(cancellation), max, cancellation);
    }

    public Task<long> HighWaterAsync(CancellationToken cancellation) => highWater.AdvanceAsync(cancellation);

    public void Dispose()
    {
        if (owner) appender.Dispose();
    }

    /// <summary>
    /// At most <paramref name="max"/> events after one position and up to another, which the caller knows to be safe;
    /// at least one, where there is any. Looks through windows of positions, so that the planner sees few partitions.
    /// </summary>
    internal async Task<IReadOnlyList<RecordedEvent>> ReadRangeAsync(
        long after, long upTo, int max, CancellationToken cancellation)
    {
        for (long width = Math.Max(WindowMin, 2L * max); after < upTo; width *= 2)
        {
            var to = Math.Min(upTo, after + width);
            await using var command = source.CreateCommand(ReadAll).With(after).With(to).With(max);
            var page = await EventRow.ReadAllAsync(command, codec, cancellation);
            if (page.Count > 0) return page;
            after = to;
        }

        return [];
    }
}
