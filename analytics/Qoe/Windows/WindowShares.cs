using EventStream.Contracts;
using EventStream.Qoe.Sessions;
using EventStream.Streams;

namespace EventStream.Qoe;

/// <summary>
/// Cuts a session's figures at window boundaries; counts the session once in each window and set of dimensions.
/// </summary>
internal sealed class WindowShares(SessionState state, SessionSubject subject, TimeSpan window)
{
    private readonly List<WindowFigures> all = [];

    public SessionSubject Subject { get; set; } = subject;

    public DateTimeOffset? CountedIn { get; private set; } = state.CountedIn;

    public IReadOnlyList<string> CountedKeys { get; private set; } = state.CountedKeys;

    public IReadOnlyList<WindowFigures> All => all;

    /// <summary>Adds figures at a moment.</summary>
    public void Add(DateTimeOffset at, Func<WindowFigures, WindowFigures> fill)
    {
        var start = EventTime.StartOf(at, window);
        var dimensions = Subject with { Player = "" };
        var key = WindowFigures.KeyOf(dimensions);
        var next = CountedIn is not { } counted || start > counted;
        var first = next || (start == CountedIn && !CountedKeys.Contains(key));
        if (first)
            (CountedIn, CountedKeys) = (start, next ? [key] : [.. CountedKeys, key]);
        all.Add(
            fill(
                new WindowFigures
                {
                    Subject = dimensions,
                    Time = at,
                    Sessions = first ? 1 : 0,
                }
            )
        );
    }

    /// <summary>Counts the session in the window of a moment, if it is not yet.</summary>
    public void Touch(DateTimeOffset at)
    {
        var start = EventTime.StartOf(at, window);
        if (CountedIn is null || start > CountedIn)
            Add(at, share => share);
    }

    /// <summary>
    /// Adds a stretch of time, one share for each window that it touches; the fill gets the part's milliseconds.
    /// </summary>
    public void Split(DateTimeOffset from, DateTimeOffset to, Func<WindowFigures, double, WindowFigures> fill)
    {
        while (from < to)
        {
            var end = EventTime.StartOf(from, window) + window;
            if (end > to)
                end = to;
            var ms = (end - from).TotalMilliseconds;
            Add(from, share => fill(share, ms));
            from = end;
        }
    }
}
