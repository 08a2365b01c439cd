using System.Collections.Concurrent;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.SerDes;

namespace EventStream.Streams.State;

/// <summary>
/// The latest value of each key. Values are replaced, not changed in place: other threads may read them.
/// </summary>
public sealed class TypedKeyValueStore<TKey, TValue>(
    StreamScope scope,
    string name,
    IStreamConfig config,
    ISerDes<TKey> keys,
    ISerDes<TValue> values
) : WriteBehindStore(scope, name, config)
    where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, TValue> entries = new();
    private readonly HashSet<TKey> changed = [];

    /// <summary>How many there are.</summary>
    public int Count => entries.Count;

    /// <summary>Every entry, in no particular order; the store may be changed meanwhile.</summary>
    public IEnumerable<KeyValuePair<TKey, TValue>> Entries => entries;

    /// <summary>The value of a key, if it has one.</summary>
    public bool TryGet(TKey key, out TValue value) => entries.TryGetValue(key, out value!);

    /// <summary>Sets the value of a key.</summary>
    public void Put(TKey key, TValue value)
    {
        entries[key] = value;
        changed.Add(key);
    }

    /// <summary>Forgets a key.</summary>
    public void Delete(TKey key)
    {
        if (entries.TryRemove(key, out _))
            changed.Add(key);
    }

    /// <inheritdoc/>
    protected override void WriteChanges(Action<byte[], byte[]?> write)
    {
        foreach (var key in changed)
        {
            var value = entries.TryGetValue(key, out var found) ? values.Serialize(found, default) : null;
            write(keys.Serialize(key, default), value);
        }

        changed.Clear();
    }

    /// <inheritdoc/>
    protected override void Restore(byte[] key, byte[]? value)
    {
        if (value is null)
            entries.TryRemove(keys.Deserialize(key, default), out _);
        else
            entries[keys.Deserialize(key, default)] = values.Deserialize(value, default);
    }

    /// <inheritdoc/>
    protected override void Clear() => entries.Clear();
}
