namespace EventStream.EventStore.Projections;

/// <summary>What a reader does with an event that it cannot take.</summary>
public enum ErrorAction
{
    /// <summary>Stays before the event until a person resumes it; nothing is missed.</summary>
    Stop,

    /// <summary>Notes the event in <c>projection_errors</c> and goes on after it.</summary>
    Skip,
}

/// <summary>
/// How often a reader tries an event again, waiting <paramref name="Backoff"/> and then twice as long each time (at
/// most <see cref="BackoffMax"/>), and what it does <paramref name="Then"/>. An unreachable PostgreSQL is no fault of
/// an
/// event: it is tried again without end.
/// </summary>
public sealed record ErrorPolicy(int Retries, TimeSpan Backoff, ErrorAction Then)
{
    /// <summary>The longest pause between two attempts.</summary>
    public static readonly TimeSpan BackoffMax = TimeSpan.FromSeconds(30);

    /// <summary>One attempt, then stop: the right one where rows must not lie.</summary>
    public static readonly ErrorPolicy Stop = new(0, TimeSpan.Zero, ErrorAction.Stop);

    /// <summary>One attempt, then note and go on: the right one where a row less is better than rows that stand
    /// still.</summary>
    public static readonly ErrorPolicy Skip = new(0, TimeSpan.Zero, ErrorAction.Skip);

    /// <summary>The pause before the next attempt, the first being number 1.</summary>
    public TimeSpan PauseBefore(int attempt) => TimeSpan.FromTicks(
        Math.Min(BackoffMax.Ticks, (long)(Backoff.Ticks * Math.Pow(2, Math.Min(attempt - 1, 30)))));
}

/// <summary>One event could not be applied; <see cref="Recorded"/> is it.</summary>
public sealed class BadEventException(RecordedEvent recorded, Exception cause)
    : EventStoreException(recorded.Stream,
        $"'{recorded.WireName}' at position {recorded.Position} ({recorded.Stream}, version {recorded.Version}) "
        + $"could not be applied: {cause.Message}", cause)
{
    public RecordedEvent Recorded { get; } = recorded;
}
