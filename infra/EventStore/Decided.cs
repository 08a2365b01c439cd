using EventStream.Contracts;

namespace EventStream.EventStore;

/// <summary>A state and the version it was folded from; 0 where there is no stream.</summary>
public sealed record Loaded<TState>(TState State, long Version)
{
    public bool Exists => Version > 0;
}

/// <summary>
/// What a decision led to: the state and version after it, and the messages that it appended (none when it changed
/// nothing).
/// </summary>
public sealed record Decided<TState>(TState State, long Version, IReadOnlyList<IMessage> Events);

/// <summary>A writer lost the race for a stream on every one of its bounded attempts.</summary>
public sealed class ContendedStreamException(string stream, int attempts)
    : Exception($"Stream '{stream}' changed during each of {attempts} attempts: try again later.");
