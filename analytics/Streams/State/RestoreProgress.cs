namespace EventStream.Streams.State;

/// <summary>
/// How far the state of this instance's tasks is read back from the changelogs. The library says when a store is done,
/// but calls punctuations and reports itself running before.
/// </summary>
internal sealed class RestoreProgress(TimeProvider clock)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(string Store, int Partition), bool> done = [];
    private long startedAt;

    /// <summary>Stores read back, stores in all, and records read for them since the last change of tasks.</summary>
    public (int Done, int Total, long Records) Now
    {
        get
        {
            lock (gate)
                return (done.Values.Count(restored => restored), done.Count, Records);
        }
    }

    private long Records { get; set; }

    /// <summary>Whether every store of a partition's tasks is read back.</summary>
    public bool IsDone(int partition)
    {
        lock (gate)
            return done.All(store => store.Key.Partition != partition || store.Value);
    }

    public void Add(string store, int partition)
    {
        lock (gate)
        {
            if (done.Values.All(restored => restored))
                (startedAt, Records) = (clock.GetTimestamp(), 0);
            done[(store, partition)] = false;
        }
    }

    public void Remove(string store, int partition)
    {
        lock (gate)
            done.Remove((store, partition));
    }

    public void Read(long records)
    {
        lock (gate)
            Records += records;
        StreamsMetrics.Restored.Add(records);
    }

    public void Done(string store, int partition)
    {
        lock (gate)
        {
            if (!done.ContainsKey((store, partition)))
                return;
            done[(store, partition)] = true;
            if (done.Values.All(restored => restored))
                StreamsMetrics.RestoreTime.Record(clock.GetElapsedTime(startedAt).TotalSeconds);
        }
    }
}
