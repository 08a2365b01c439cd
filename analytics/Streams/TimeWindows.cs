namespace EventStream.Streams;

/// <summary>
/// Tumbling windows: fixed size, no gap and no overlap, aligned to the Unix epoch. A window takes records until
/// stream time has passed its end by the grace period; later ones are dropped and counted.
/// </summary>
public sealed record TimeWindows
{
    /// <summary>
    /// Windows of <paramref name="size"/>. Throws <see cref="ArgumentOutOfRangeException"/> for nonsense.
    /// </summary>
    public TimeWindows(TimeSpan size, TimeSpan grace)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, TimeSpan.FromMilliseconds(1));
        ArgumentOutOfRangeException.ThrowIfLessThan(grace, TimeSpan.Zero);
        (Size, Grace) = (size, grace);
    }

    public TimeSpan Size { get; }

    public TimeSpan Grace { get; }

    /// <summary>The start of the window that a moment belongs to.</summary>
    public DateTimeOffset StartOf(DateTimeOffset time) => StartOf(time, Size);

    /// <summary>The start of the epoch-aligned step of a given size that a moment belongs to.</summary>
    public static DateTimeOffset StartOf(DateTimeOffset time, TimeSpan size)
    {
        var sinceEpoch = (time - DateTimeOffset.UnixEpoch).Ticks;
        var remainder = sinceEpoch % size.Ticks;
        return DateTimeOffset.UnixEpoch.AddTicks(sinceEpoch - (remainder < 0 ? remainder + size.Ticks : remainder));
    }
}
