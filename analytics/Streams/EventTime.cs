namespace EventStream.Streams;

/// <summary>Steps and windows of event time: without gap or overlap, aligned to the Unix epoch.</summary>
public static class EventTime
{
    /// <summary>The start of the step of a given size that a moment belongs to.</summary>
    public static DateTimeOffset StartOf(DateTimeOffset time, TimeSpan size)
    {
        var sinceEpoch = (time - DateTimeOffset.UnixEpoch).Ticks;
        var remainder = sinceEpoch % size.Ticks;
        return DateTimeOffset.UnixEpoch.AddTicks(sinceEpoch - (remainder < 0 ? remainder + size.Ticks : remainder));
    }
}
