namespace EventStream.EventStore;

/// <summary>The base of what the store refuses; <see cref="Stream"/> is the subject.</summary>
public abstract class EventStoreException(string stream, string message, Exception? cause = null)
    : Exception(message, cause)
{
    public string Stream { get; } = stream;
}

/// <summary>Somebody else appended first, or the writer knew an old state: load again and decide again.</summary>
public sealed class WrongExpectedVersionException(string stream, ExpectedVersion expected, long actual)
    : EventStoreException(stream, $"Stream '{stream}' is at version {actual}; the append expected {expected}.")
{
    public ExpectedVersion Expected { get; } = expected;
    public long Actual { get; } = actual;
}

/// <summary>An id of the append belongs to another event: ids are drawn once per event.</summary>
public sealed class DuplicateEventException(string stream)
    : EventStoreException(stream,
        $"An event id of the append to '{stream}' is that of another event: draw a new id per event.");

/// <summary>
/// The append itself is malformed: no events, too many of them, an event too large, or a bad stream name.
/// </summary>
public sealed class InvalidAppendException(string stream, string message) : EventStoreException(stream, message);

/// <summary>There is no such stream.</summary>
public sealed class StreamNotFoundException(string stream)
    : EventStoreException(stream, $"There is no stream '{stream}'.");

/// <summary>The stream is archived and takes no events.</summary>
public sealed class StreamArchivedException(string stream)
    : EventStoreException(stream, $"Stream '{stream}' is archived: restore it before appending to it.");

/// <summary>The stream was ended for ever.</summary>
public sealed class StreamTombstonedException(string stream)
    : EventStoreException(stream, $"Stream '{stream}' was tombstoned and takes no events: begin another stream.");

/// <summary>A part of a stream is not in the store: its partition was detached.</summary>
public sealed class MissingEventsException(string stream, long expected, long found)
    : EventStoreException(stream,
        $"Stream '{stream}' goes on with version {found} where {expected} was due: attach the partition that has it.");

/// <summary>A writer lost the race for a stream on every one of its bounded attempts.</summary>
public sealed class ContendedStreamException(string stream, int attempts)
    : EventStoreException(stream, $"Stream '{stream}' changed during each of {attempts} attempts: try again later.")
{
    public int Attempts { get; } = attempts;
}
