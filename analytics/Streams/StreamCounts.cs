namespace EventStream.Streams;

/// <summary>What a stream counts from the start of its process on. Safe to read from many threads.</summary>
public sealed class StreamCounts
{
    private long processed;
    private long late;
    private long bad;

    /// <summary>Records processed.</summary>
    public long Processed => Interlocked.Read(ref processed);

    /// <summary>Records dropped because their window was closed.</summary>
    public long Late => Interlocked.Read(ref late);

    /// <summary>Records that could not be read.</summary>
    public long Bad => Interlocked.Read(ref bad);

    internal void AddProcessed(int count)
    {
        Interlocked.Add(ref processed, count);
        StreamsMetrics.Processed.Add(count);
    }

    internal void AddLate(string task, string store)
    {
        Interlocked.Increment(ref late);
        StreamsMetrics.Late.Add(1, new("task", task), new("store", store));
    }

    internal void AddBad(string topic)
    {
        Interlocked.Increment(ref bad);
        StreamsMetrics.Bad.Add(1, new KeyValuePair<string, object?>("topic", topic));
    }
}
