using EventStream.EventStore.Projections;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// A reader of the whole store that the daemon runs: events in order of position up to the high-water mark, in batches,
/// by one process at a time. Projections and the relay to Kafka are such; derive for other effects.
/// </summary>
public abstract class Subscription(string name)
{
    /// <summary>The name of its checkpoint and of its lock.</summary>
    public string Name { get; } = name;

    /// <summary>Most events of one batch.</summary>
    public virtual int BatchMax => 500;

    /// <summary>What becomes of an event that cannot be handled.</summary>
    public virtual ErrorPolicy OnError => ErrorPolicy.Stop;

    /// <summary>Whether an event concerns it; the others only move the checkpoint.</summary>
    public virtual bool Takes(RecordedEvent recorded) => true;

    /// <summary>
    /// Called when this process has become the owner, with the checkpoint's position. Returns the position to go on
    /// from, which is another one where the effects themselves say how far they are.
    /// </summary>
    public virtual Task<long> BeginAsync(long position, CancellationToken cancellation) => Task.FromResult(position);

    /// <summary>
    /// Handles the events and moves the checkpoint to <paramref name="upTo"/>: with <see cref="Checkpoint.FenceAsync"/>
    /// in the transaction of what it writes, where that is this PostgreSQL too, else with
    /// <see cref="Checkpoint.MoveAsync"/> afterwards. A batch whose handling throws comes again.
    /// </summary>
    public abstract Task HandleAsync(
        IReadOnlyList<RecordedEvent> events, long upTo, Checkpoint checkpoint, CancellationToken cancellation);

    /// <summary>Called when this process stops being the owner, or must begin anew after a failure.</summary>
    public virtual ValueTask EndAsync() => ValueTask.CompletedTask;
}
