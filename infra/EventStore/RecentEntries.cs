namespace EventStream.EventStore;

/// <summary>
/// The entries of late in two halves: when the young half is full it becomes the old one, and what the old one held
/// and nobody asked for is forgotten. The whole keeps at most twice <paramref name="halfMax"/>. Not for several threads
/// at once.
/// </summary>
internal sealed class RecentEntries<TKey, TValue>(int halfMax)
    where TKey : notnull
{
    private Dictionary<TKey, TValue> young = [];
    private Dictionary<TKey, TValue> old = [];

    public bool TryFind(TKey key, out TValue? found) =>
        young.TryGetValue(key, out found) || old.TryGetValue(key, out found);

    public void Put(TKey key, TValue value)
    {
        if (young.Count >= halfMax && !young.ContainsKey(key)) (old, young) = (young, []);
        young[key] = value;
    }

    public void Remove(TKey key)
    {
        young.Remove(key);
        old.Remove(key);
    }

    public void Clear() => (young, old) = ([], []);
}
