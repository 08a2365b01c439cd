using System.Collections.Concurrent;
using System.Security.Cryptography;
using EventStream.Contracts;

namespace EventStream.EventStore.Privacy;

/// <summary>
/// Where the keys of persons are: it makes them, finds them again and destroys them. Keys in use are remembered for
/// <see cref="RememberedFor"/>, which is how long another process may still read a person that this one erased.
/// </summary>
internal abstract class SubjectKeys(TimeProvider time)
{
    /// <summary>After this long a key is asked for again.</summary>
    public static readonly TimeSpan RememberedFor = TimeSpan.FromSeconds(30);

    /// <summary>Keys remembered at most; beyond it all are asked for again.</summary>
    private const int RememberedMax = 10_000;

    private readonly ConcurrentDictionary<(string Tenant, string Subject), Entry> bySubject = new();
    private readonly ConcurrentDictionary<long, Entry> byId = new();

    /// <summary>The key of a person, made when there is none.</summary>
    public async ValueTask<SubjectKey> OfAsync(string tenant, string subject, CancellationToken cancellation)
    {
        if (bySubject.TryGetValue((tenant, subject), out var entry) && IsFresh(entry)) return entry.Key!;
        var key = await GetOrMakeAsync(tenant, subject, cancellation);
        entry = Remember(key.Id, key);
        bySubject[(tenant, subject)] = entry;
        return key;
    }

    /// <summary>Fetches the keys that serializing an event or document is going to need.</summary>
    public async ValueTask FetchAsync(object data, CancellationToken cancellation)
    {
        foreach (var field in PersonalJson.FieldsOf(data.GetType()))
            if (field.SubjectOf(data) is { } subject && subject != PersonalDataAttribute.Erased)
                await OfAsync(Tenants.Default, subject, cancellation);
    }

    /// <summary>
    /// The key of a person, for the serializer, which cannot await. A save fetches its keys before; only one that is
    /// not remembered any more is waited for.
    /// </summary>
    public SubjectKey Of(string tenant, string subject) =>
        bySubject.TryGetValue((tenant, subject), out var entry) && entry.Key is { } key ? key
            : Task.Run(() => OfAsync(tenant, subject, CancellationToken.None).AsTask()).GetAwaiter().GetResult();

    /// <summary>The key of a number, null where it was destroyed; for the serializer, as above.</summary>
    public SubjectKey? OfId(long id)
    {
        if (TryGet(id, out var known)) return known;
        Task.Run(() => LoadAsync([id], CancellationToken.None)).GetAwaiter().GetResult();
        TryGet(id, out known);
        return known;
    }

    /// <summary>
    /// Whether it is known what became of a key; <paramref name="key"/> is null when it was destroyed.
    /// </summary>
    public bool TryGet(long id, out SubjectKey? key)
    {
        var known = byId.TryGetValue(id, out var entry) && IsFresh(entry);
        key = known ? entry!.Key : null;
        return known;
    }

    /// <summary>Looks up keys, so that <see cref="TryGet"/> knows them.</summary>
    public async Task LoadAsync(IReadOnlyCollection<long> ids, CancellationToken cancellation)
    {
        var found = await FindAsync(ids, cancellation);
        foreach (var id in ids) Remember(id, found.GetValueOrDefault(id));
    }

    /// <summary>Destroys the key of a person. Returns whether there was one.</summary>
    public async Task<bool> EraseAsync(string tenant, string subject, CancellationToken cancellation)
    {
        var id = await DestroyAsync(tenant, subject, cancellation);
        bySubject.TryRemove((tenant, subject), out _);
        if (id is { } destroyed) Remember(destroyed, null);
        return id is not null;
    }

    protected abstract Task<SubjectKey> GetOrMakeAsync(string tenant, string subject, CancellationToken cancellation);

    protected abstract Task<IReadOnlyDictionary<long, SubjectKey>> FindAsync(
        IReadOnlyCollection<long> ids, CancellationToken cancellation);

    protected abstract Task<long?> DestroyAsync(string tenant, string subject, CancellationToken cancellation);

    protected static byte[] NewKey() => RandomNumberGenerator.GetBytes(SubjectKey.KeyBytes);

    private Entry Remember(long id, SubjectKey? key)
    {
        if (byId.Count >= RememberedMax) byId.Clear();
        if (bySubject.Count >= RememberedMax) bySubject.Clear();
        return byId[id] = new Entry(key, time.GetTimestamp());
    }

    private bool IsFresh(Entry entry) => time.GetElapsedTime(entry.Since) < RememberedFor;

    private sealed record Entry(SubjectKey? Key, long Since);
}

/// <summary>Keys that live as long as the store in memory does.</summary>
internal sealed class InMemorySubjectKeys(TimeProvider time) : SubjectKeys(time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string Tenant, string Subject), SubjectKey> keys = [];
    private long drawn;

    protected override Task<SubjectKey> GetOrMakeAsync(string tenant, string subject, CancellationToken cancellation)
    {
        lock (gate)
        {
            if (!keys.TryGetValue((tenant, subject), out var key))
                keys.Add((tenant, subject), key = new SubjectKey(++drawn, NewKey()));
            return Task.FromResult(key);
        }
    }

    protected override Task<IReadOnlyDictionary<long, SubjectKey>> FindAsync(
        IReadOnlyCollection<long> ids, CancellationToken cancellation)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyDictionary<long, SubjectKey>>(
                keys.Values.Where(key => ids.Contains(key.Id)).ToDictionary(key => key.Id));
    }

    protected override Task<long?> DestroyAsync(string tenant, string subject, CancellationToken cancellation)
    {
        lock (gate)
            return Task.FromResult<long?>(keys.Remove((tenant, subject), out var key) ? key.Id : null);
    }
}
