using EventStream.Contracts;
using EventStream.EventStore.Codec;
using EventStream.EventStore.Privacy;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>What happens to whole streams: state, archive, tombstone, erasure of persons, snapshots.</summary>
internal sealed class StreamLifeCommands(
    NpgsqlDataSource source, AppendSignal signal, EventCodec codec, SubjectKeys keys, TimeProvider time)
{
    internal const string State =
        "select version, created_at, updated_at, state from streams where tenant = $1 and id = $2";
    internal const string Move = "select archive_stream($1, $2, $3)";
    internal const string Tombstone = "select last_version from tombstone_stream($1, $2, $3, $4, $5, $6, $7)";
    private const string ForgetSnapshots = "delete from snapshots where tenant = $1";
    internal const string Load =
        "select version, state from snapshots where tenant = $1 and stream = $2 and shape = $3";
    internal const string Save =
        """
        insert into snapshots (tenant, stream, shape, version, state) values ($1, $2, $3, $4, $5)
        on conflict (tenant, stream, shape) do update
        set version = excluded.version, state = excluded.state, taken_at = clock_timestamp()
        where snapshots.version < excluded.version
        """;

    public async Task<StreamState?> FetchStateAsync(string tenant, string stream, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(State).With(tenant).With(stream);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation)
            ? new StreamState(
                stream, row.GetInt64(0), row.GetFieldValue<DateTimeOffset>(1), row.GetFieldValue<DateTimeOffset>(2),
                (StreamLife)row.GetInt16(3))
            : null;
    }

    public async Task MoveAsync(string tenant, string stream, StreamLife life, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Move).With(tenant).With(stream).With((short)life);
        switch (await command.ExecuteScalarAsync(cancellation))
        {
            case short state when state == (short)StreamLife.Tombstoned: throw new StreamTombstonedException(stream);
            case not short: throw new StreamNotFoundException(stream);
        }
    }

    public async Task TombstoneAsync(string tenant, string stream, string reason, CancellationToken cancellation)
    {
        var last = new NewEvent(Guid.NewGuid(), new StreamTombstoned(stream, reason, time.GetUtcNow()));
        var encoded = await codec.EncodeAsync(
            tenant, stream, ExpectedVersion.Exists, [last], EventMetadata.Current(), cancellation);
        await using var command = source.CreateCommand(Tombstone)
            .With(tenant).With(stream).With(last.Id).With(encoded.Names[0]).WithJson(encoded.Data[0])
            .WithJson(encoded.Metadata).With(EventCodec.ErasedName);
        if (await command.ExecuteScalarAsync(cancellation) is not long) throw new StreamNotFoundException(stream);
        signal.Appended();
    }

    /// <summary>
    /// The key goes first: what follows only hastens what a reader would find anyway, and may be asked for again.
    /// </summary>
    public async Task<bool> EraseAsync(string tenant, string subject, CancellationToken cancellation)
    {
        var known = await keys.EraseAsync(tenant, subject, cancellation);
        await using var forget = source.CreateCommand(ForgetSnapshots).With(tenant);
        await forget.ExecuteNonQueryAsync(cancellation);
        return await PlainEvents.EraseAsync(source, tenant, subject, cancellation) || known;
    }

    public async Task<Snapshot?> LoadSnapshotAsync(
        string tenant, string stream, string shape, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Load).With(tenant).With(stream).With(shape);
        await using var row = await command.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation)
            ? new Snapshot(shape, row.GetInt64(0), row.GetFieldValue<byte[]>(1)) : null;
    }

    public async Task SaveSnapshotAsync(
        string tenant, string stream, Snapshot snapshot, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(Save)
            .With(tenant).With(stream).With(snapshot.Shape).With(snapshot.Version).WithJson(snapshot.State.ToArray());
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
