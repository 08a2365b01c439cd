using System.Collections.Concurrent;
using System.Security.Cryptography;
using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.EventStore.Privacy;

/// <summary>
/// The keys of persons in the table <c>subject_keys</c>, each encrypted under the master key: made, found again and
/// destroyed. Deleting a row erases a person from every event, also from those in backups made later. Keys in use are
/// remembered for <see cref="RememberedFor"/>, which is how long another process may still read a person that this one
/// erased.
/// </summary>
/// <param name="source">
/// A pool of its own: a reader of the store may hold every connection of the store's while it needs a key.
/// </param>
internal sealed class SubjectKeys(NpgsqlDataSource source, MasterKey master, TimeProvider time) : IAsyncDisposable
{
    /// <summary>After this long a key is asked for again.</summary>
    public static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(30);

    /// <summary>Keys remembered at most; beyond it all are asked for again.</summary>
    private const int RememberedMax = 10_000;

    private readonly ConcurrentDictionary<string, Entry> bySubject = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<long, Entry> byId = new();

    /// <summary>The key of a person, made when there is none.</summary>
    public async ValueTask<SubjectKey> OfAsync(string subject, CancellationToken cancellation)
    {
        if (bySubject.TryGetValue(subject, out var entry) && IsFresh(entry))
            return entry.Key!;
        var key = await GetOrMakeAsync(subject, cancellation);
        bySubject[subject] = Remember(key.Id, key);
        return key;
    }

    /// <summary>Fetches the keys that serializing an event or document is going to need.</summary>
    public async ValueTask FetchAsync(object data, CancellationToken cancellation)
    {
        foreach (var field in PersonalFields.Of(data.GetType()))
            if (field.SubjectOf(data) is { } subject && subject != PersonalDataAttribute.Erased)
                await OfAsync(subject, cancellation);
    }

    /// <summary>
    /// The key of a person, for the serializer, which cannot await. A save fetches its keys before; only one that is
    /// not remembered any more is waited for.
    /// </summary>
    public SubjectKey Of(string subject) =>
        bySubject.TryGetValue(subject, out var entry) && entry.Key is { } key
            ? key
            : Task.Run(() => OfAsync(subject, CancellationToken.None).AsTask()).GetAwaiter().GetResult();

    /// <summary>
    /// The key of a number, null where it was destroyed; for the serializer, which waits for one that is not
    /// remembered.
    /// </summary>
    public SubjectKey? OfId(long id) =>
        byId.TryGetValue(id, out var entry) && IsFresh(entry)
            ? entry.Key
            : Task.Run(() => FindAsync(id, CancellationToken.None)).GetAwaiter().GetResult();

    /// <summary>Destroys the key of a person. Returns whether there was one.</summary>
    public async Task<bool> EraseAsync(string subject, CancellationToken cancellation)
    {
        await using var destroy = source.Command(
            "delete from subject_keys where subject = $1 returning id",
            master.NameOf(subject)
        );
        var id = (long?)await destroy.ExecuteScalarAsync(cancellation);
        bySubject.TryRemove(subject, out _);
        if (id is { } destroyed)
            Remember(destroyed, null);
        return id is not null;
    }

    public ValueTask DisposeAsync() => source.DisposeAsync();

    private async Task<SubjectKey> GetOrMakeAsync(string subject, CancellationToken cancellation)
    {
        var name = master.NameOf(subject);
        while (true)
        {
            if (await ReadAsync("subject = $1", name, cancellation) is { } key)
                return key;
            // Another process may make it at the same moment: whose row is there first is the key.
            var made = RandomNumberGenerator.GetBytes(SubjectKey.KeyBytes);
            await using var make = source.Command(
                "insert into subject_keys (subject, key, master) values ($1, $2, $3) on conflict do nothing",
                name,
                master.Wrap(made, name),
                master.Fingerprint
            );
            await make.ExecuteNonQueryAsync(cancellation);
        }
    }

    private async Task<SubjectKey?> FindAsync(long id, CancellationToken cancellation)
    {
        var key = await ReadAsync("id = $1", id, cancellation);
        Remember(id, key);
        return key;
    }

    private async Task<SubjectKey?> ReadAsync(string condition, object value, CancellationToken cancellation)
    {
        await using var find = source.Command(
            $"select id, key, master, subject from subject_keys where {condition}",
            value
        );
        await using var row = await find.ExecuteReaderAsync(cancellation);
        if (!await row.ReadAsync(cancellation))
            return null;
        if (row.GetString(2) is var stored && stored != master.Fingerprint)
            throw new WrongMasterKeyException(stored, master.Fingerprint);
        return new SubjectKey(
            row.GetInt64(0),
            master.Unwrap(row.GetFieldValue<byte[]>(1), row.GetFieldValue<byte[]>(3))
        );
    }

    private Entry Remember(long id, SubjectKey? key)
    {
        if (byId.Count >= RememberedMax)
            byId.Clear();
        if (bySubject.Count >= RememberedMax)
            bySubject.Clear();
        return byId[id] = new Entry(key, time.GetTimestamp());
    }

    private bool IsFresh(Entry entry) => time.GetElapsedTime(entry.Since) < RememberedFor;

    private sealed record Entry(SubjectKey? Key, long Since);
}
