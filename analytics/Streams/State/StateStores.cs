using Confluent.Kafka;

namespace EventStream.Streams;

/// <summary>
/// State of a task. It lives in memory; what changed since the last commit is written to a compacted changelog topic
/// at the commit, in the same transaction as outputs and offsets, and read back when the task is assigned anew.
/// </summary>
public interface IStateStore
{
    string Name { get; }
}

internal interface IChangelogged : IStateStore
{
    /// <summary>Takes back one entry of the changelog; a null value is a deletion.</summary>
    void Restore(byte[] key, byte[]? value);

    /// <summary>Hands out each entry that changed since the last call, with its latest value.</summary>
    void Flush(Action<byte[], byte[]?> write);
}

/// <summary>How a store is made: once for each task.</summary>
internal sealed record StoreSpec(string Name, Func<IStateStore> Create);

/// <summary>The latest value of each key. Values are replaced, not changed in place.</summary>
public sealed class KeyValueStore<TKey, TValue>(string name, Serde<TKey> keys, Serde<TValue> values) : IChangelogged
    where TKey : notnull
{
    private readonly Dictionary<TKey, TValue> entries = [];
    private readonly HashSet<TKey> changed = [];

    public string Name => name;

    public int Count => entries.Count;

    /// <summary>Every entry, in no particular order. Copy before changing the store while walking.</summary>
    public IEnumerable<KeyValuePair<TKey, TValue>> Entries => entries;

    public bool TryGet(TKey key, out TValue value) => entries.TryGetValue(key, out value!);

    public void Put(TKey key, TValue value)
    {
        entries[key] = value;
        changed.Add(key);
    }

    public void Delete(TKey key)
    {
        if (entries.Remove(key))
            changed.Add(key);
    }

    void IChangelogged.Restore(byte[] key, byte[]? value)
    {
        if (value is null)
            entries.Remove(keys.Read(key, null));
        else
            entries[keys.Read(key, null)] = values.Read(value, (Headers?)null);
    }

    void IChangelogged.Flush(Action<byte[], byte[]?> write)
    {
        foreach (var key in changed)
            write(keys.Write(key), entries.TryGetValue(key, out var value) ? values.Write(value) : null);
        changed.Clear();
    }
}
