using System.Buffers.Binary;
using Confluent.Kafka;

namespace EventStream.Streams;

/// <summary>
/// One value for each window start and key, in order of the start, so that closed windows are found without a scan.
/// </summary>
public sealed class WindowStore<TKey, TValue>(string name, Serde<TKey> keys, Serde<TValue> values) : IChangelogged
    where TKey : notnull
{
    private readonly SortedDictionary<DateTimeOffset, Dictionary<TKey, TValue>> windows = [];
    private readonly HashSet<(DateTimeOffset Start, TKey Key)> changed = [];

    public string Name => name;

    /// <summary>Windows that are open, over all keys.</summary>
    public int Count => windows.Sum(window => window.Value.Count);

    public bool TryGet(DateTimeOffset start, TKey key, out TValue value)
    {
        value = default!;
        return windows.TryGetValue(start, out var entries) && entries.TryGetValue(key, out value!);
    }

    public void Put(DateTimeOffset start, TKey key, TValue value)
    {
        Entries(start)[key] = value;
        changed.Add((start, key));
    }

    /// <summary>Removes and returns the windows that start at or before a moment, oldest first.</summary>
    public IReadOnlyList<(DateTimeOffset Start, TKey Key, TValue Value)> TakeThrough(DateTimeOffset lastStart)
    {
        List<(DateTimeOffset, TKey, TValue)>? taken = null;
        while (windows.Count > 0 && windows.First() is var oldest && oldest.Key <= lastStart)
        {
            windows.Remove(oldest.Key);
            foreach (var (key, value) in oldest.Value)
            {
                (taken ??= []).Add((oldest.Key, key, value));
                changed.Add((oldest.Key, key));
            }
        }

        return taken is null ? [] : taken;
    }

    void IChangelogged.Restore(byte[] key, byte[]? value)
    {
        var start = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(key));
        var inner = keys.Read(key.AsSpan(sizeof(long)), null);
        if (value is not null)
        {
            Entries(start)[inner] = values.Read(value, (Headers?)null);
            return;
        }

        if (!windows.TryGetValue(start, out var entries))
            return;
        entries.Remove(inner);
        if (entries.Count == 0)
            windows.Remove(start);
    }

    void IChangelogged.Flush(Action<byte[], byte[]?> write)
    {
        foreach (var (start, key) in changed)
        {
            var inner = keys.Write(key);
            var bytes = new byte[sizeof(long) + inner.Length];
            BinaryPrimitives.WriteInt64BigEndian(bytes, start.ToUnixTimeMilliseconds());
            inner.CopyTo(bytes, sizeof(long));
            write(bytes, TryGet(start, key, out var value) ? values.Write(value) : null);
        }

        changed.Clear();
    }

    private Dictionary<TKey, TValue> Entries(DateTimeOffset start)
    {
        if (!windows.TryGetValue(start, out var entries))
            windows[start] = entries = [];
        return entries;
    }
}
