using EventStream.EventStore.Privacy;

namespace EventStream.EventStore;

/// <summary>
/// The states that decisions of late led to, so that the next decision on the same aggregate need not read its stream.
/// What is kept may be old; whoever uses it must append to exactly its version, or read.
/// </summary>
/// <remarks>
/// A state is read anew <see cref="SubjectKeys.RememberedFor"/> after its events were read, whatever was appended
/// since: it may say what is personal, and a person who was erased elsewhere must be forgotten here too.
/// </remarks>
internal sealed class KeptStates<TState>(int max, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly RecentEntries<string, Kept> recent = new(Math.Max(1, max / 2));

    public Kept? Find(string id)
    {
        lock (gate)
        {
            return recent.TryFind(id, out var found) && time.GetElapsedTime(found!.ReadAt) < SubjectKeys.RememberedFor
                ? found : null;
        }
    }

    /// <summary>Keeps a state whose events were read at a time of <see cref="Now"/>.</summary>
    public void Put(string id, Loaded<TState> state, long readAt)
    {
        if (max == 0) return;
        lock (gate) recent.Put(id, new Kept(state, readAt));
    }

    public void Remove(string id)
    {
        lock (gate) recent.Remove(id);
    }

    public long Now() => time.GetTimestamp();

    internal sealed record Kept(Loaded<TState> State, long ReadAt);
}
