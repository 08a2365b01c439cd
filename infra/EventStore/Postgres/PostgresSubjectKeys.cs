using EventStream.EventStore.Privacy;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// The keys of persons in the table <c>subject_keys</c>, each encrypted under the master key. Deleting a row erases a
/// person from every event, also from those in backups made later.
/// </summary>
internal sealed class PostgresSubjectKeys(NpgsqlDataSource source, MasterKey master, TimeProvider time)
    : SubjectKeys(time)
{
    private const string Find = "select id, key, master, subject from subject_keys where tenant = $1 and subject = $2";
    private const string FindMany = "select id, key, master, subject from subject_keys where id = any ($1)";
    private const string Make =
        """
        insert into subject_keys (tenant, subject, key, master) values ($1, $2, $3, $4)
        on conflict (tenant, subject) do nothing
        """;
    private const string Destroy = "delete from subject_keys where tenant = $1 and subject = $2 returning id";

    protected override async Task<SubjectKey> GetOrMakeAsync(
        string tenant, string subject, CancellationToken cancellation)
    {
        var name = master.NameOf(tenant, subject);
        while (true)
        {
            await using (var find = source.CreateCommand(Find).With(tenant).With(name))
            await using (var row = await find.ExecuteReaderAsync(cancellation))
            {
                if (await row.ReadAsync(cancellation)) return Read(row);
            }

            // Another process may make it at the same moment: whose row is there first is the key.
            await using var make = source.CreateCommand(Make)
                .With(tenant).With(name).With(master.Wrap(NewKey(), name)).With(master.Fingerprint);
            await make.ExecuteNonQueryAsync(cancellation);
        }
    }

    protected override async Task<IReadOnlyDictionary<long, SubjectKey>> FindAsync(
        IReadOnlyCollection<long> ids, CancellationToken cancellation)
    {
        await using var find = source.CreateCommand(FindMany).With(ids.ToArray());
        await using var row = await find.ExecuteReaderAsync(cancellation);
        var keys = new Dictionary<long, SubjectKey>();
        while (await row.ReadAsync(cancellation)) keys.Add(row.GetInt64(0), Read(row));
        return keys;
    }

    protected override async Task<long?> DestroyAsync(string tenant, string subject, CancellationToken cancellation)
    {
        await using var destroy = source.CreateCommand(Destroy).With(tenant).With(master.NameOf(tenant, subject));
        return (long?)await destroy.ExecuteScalarAsync(cancellation);
    }

    private SubjectKey Read(NpgsqlDataReader row)
    {
        if (row.GetString(2) is var stored && stored != master.Fingerprint)
            throw new WrongMasterKeyException(stored, master.Fingerprint);
        var key = master.Unwrap(row.GetFieldValue<byte[]>(1), row.GetFieldValue<byte[]>(3));
        return new SubjectKey(row.GetInt64(0), key);
    }
}
