namespace EventStream.Cli.Load;

/// <summary>What a run has done so far; counted from many viewers at once.</summary>
public sealed class LoadCounters
{
    private long sessions;
    private long segments;
    private long bytes;
    private long beacons;
    private long errors;
    private string? lastError;

    public long Sessions => Interlocked.Read(ref sessions);

    public long Segments => Interlocked.Read(ref segments);

    public long Bytes => Interlocked.Read(ref bytes);

    public long Beacons => Interlocked.Read(ref beacons);

    public long Errors => Interlocked.Read(ref errors);

    /// <summary>The newest error in words, or null.</summary>
    public string? LastError => Volatile.Read(ref lastError);

    public void Session() => Interlocked.Increment(ref sessions);

    public void Segment(long size)
    {
        Interlocked.Increment(ref segments);
        Interlocked.Add(ref bytes, size);
    }

    public void Beacon(int count) => Interlocked.Add(ref beacons, count);

    public void Error(string what)
    {
        Interlocked.Increment(ref errors);
        Volatile.Write(ref lastError, what);
    }
}
