using System.Buffers.Binary;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.SerDes;

namespace EventStream.Streams.State;

/// <summary>
/// One value for each window start and key, in order of the start, so that closed windows are found without a scan.
/// </summary>
public sealed class TypedWindowStore<TKey, TValue>(
    StreamScope scope,
    string name,
    IStreamConfig config,
    ISerDes<TKey> keys,
    ISerDes<TValue> values
) : WriteBehindStore(scope, name, config)
    where TKey : notnull
{
    private readonly SortedDictionary<long, Dictionary<TKey, TValue>> windows = [];
    private readonly HashSet<(long Start, TKey Key)> changed = [];

    /// <summary>The value of a window and key, if it has one.</summary>
    public bool TryGet(DateTimeOffset start, TKey key, out TValue value) =>
        TryGet(start.ToUnixTimeMilliseconds(), key, out value);

    /// <summary>Sets the value of a window and key.</summary>
    public void Put(DateTimeOffset start, TKey key, TValue value)
    {
        var ms = start.ToUnixTimeMilliseconds();
        Window(ms)[key] = value;
        changed.Add((ms, key));
    }

    /// <summary>Removes and returns the windows that start at or before a moment, oldest first.</summary>
    public IReadOnlyList<(DateTimeOffset Start, TKey Key, TValue Value)> TakeThrough(DateTimeOffset lastStart)
    {
        var last = lastStart.ToUnixTimeMilliseconds();
        List<(DateTimeOffset, TKey, TValue)>? taken = null;
        while (windows.Count > 0 && windows.First() is var oldest && oldest.Key <= last)
        {
            windows.Remove(oldest.Key);
            foreach (var (key, value) in oldest.Value)
            {
                (taken ??= []).Add((DateTimeOffset.FromUnixTimeMilliseconds(oldest.Key), key, value));
                changed.Add((oldest.Key, key));
            }
        }

        return taken is null ? [] : taken;
    }

    /// <inheritdoc/>
    protected override void WriteChanges(Action<byte[], byte[]?> write)
    {
        foreach (var (start, key) in changed)
        {
            var inner = keys.Serialize(key, default);
            var bytes = new byte[sizeof(long) + inner.Length];
            BinaryPrimitives.WriteInt64BigEndian(bytes, start);
            inner.CopyTo(bytes, sizeof(long));
            write(bytes, TryGet(start, key, out var value) ? values.Serialize(value, default) : null);
        }

        changed.Clear();
    }

    /// <inheritdoc/>
    protected override void Restore(byte[] key, byte[]? value)
    {
        var start = BinaryPrimitives.ReadInt64BigEndian(key);
        var inner = keys.Deserialize(key[sizeof(long)..], default);
        if (value is not null)
        {
            Window(start)[inner] = values.Deserialize(value, default);
            return;
        }

        if (!windows.TryGetValue(start, out var window))
            return;
        window.Remove(inner);
        if (window.Count == 0)
            windows.Remove(start);
    }

    /// <inheritdoc/>
    protected override void Clear() => windows.Clear();

    private bool TryGet(long start, TKey key, out TValue value)
    {
        value = default!;
        return windows.TryGetValue(start, out var window) && window.TryGetValue(key, out value!);
    }

    private Dictionary<TKey, TValue> Window(long start)
    {
        if (!windows.TryGetValue(start, out var window))
            windows[start] = window = [];
        return window;
    }
}
