using EventStream.Contracts;
using EventStream.EventStore.Privacy;
using Marten;

namespace EventStream.EventStore;

/// <summary>
/// The way every aggregate is written: fetch it for writing, decide, save. When another writer came first, the
/// decision is taken again on the new state, at most <see cref="AttemptsMax"/> times.
/// </summary>
public sealed class Decider<TState>(IDocumentStore store, PersonalData personal, TimeProvider time)
    where TState : class, IAggregate<TState>, new()
{
    /// <summary>Losing so often in a row means that many writers fight for one stream.</summary>
    public const int AttemptsMax = 8;

    /// <summary>Longest pause before another attempt; the first is a 64th of it, and chance halves it.</summary>
    private static readonly TimeSpan PauseMax = TimeSpan.FromMilliseconds(200);

    /// <summary>The state now, or as of a version or a time, with the version it was folded from.</summary>
    public async Task<Loaded<TState>> LoadAsync(
        Guid id,
        CancellationToken cancellation,
        long asOfVersion = 0,
        DateTimeOffset? asOf = null
    )
    {
        await using var session = store.QuerySession();
        var events = await session.Events.FetchStreamAsync(id, asOfVersion, asOf, 0, cancellation);
        var state = events.Aggregate(new TState(), (state, e) => state.Fold((IMessage)e.Data));
        return new Loaded<TState>(state, events.Count == 0 ? 0 : events[^1].Version);
    }

    /// <summary>
    /// Takes a decision and appends the messages that it returns; it may throw to refuse, and return none to change
    /// nothing. With a <paramref name="commandId"/> their ids follow from it, so that the same command appended twice
    /// is stored once. Throws <see cref="ContendedStreamException"/> when every attempt lost.
    /// </summary>
    public async Task<Decided<TState>> DecideAsync(
        Guid id,
        Func<TState, IEnumerable<IMessage>> decide,
        EventMetadata metadata,
        CancellationToken cancellation,
        Guid? commandId = null
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryAsync(id, decide, metadata, commandId, cancellation);
            }
            catch (Exception e) when (StoreFailures.IsLostRace(e))
            {
                if (attempt == AttemptsMax)
                    throw new ContendedStreamException(id.ToString("D"), AttemptsMax);
                await PauseAsync(attempt, cancellation);
            }
            catch (Exception e) when (commandId is not null && StoreFailures.IsStoredBefore(e))
            {
                var (state, version) = await LoadAsync(id, cancellation);
                return new Decided<TState>(state, version, []);
            }
        }
    }

    private async Task<Decided<TState>> TryAsync(
        Guid id,
        Func<TState, IEnumerable<IMessage>> decide,
        EventMetadata metadata,
        Guid? commandId,
        CancellationToken cancellation
    )
    {
        await using var session = store.LightweightSession();
        var stream = await session.Events.FetchForWriting<TState>(id, cancellation);
        var before = stream.Aggregate ?? new TState();
        IReadOnlyList<IMessage> messages = [.. decide(before)];
        var version = stream.CurrentVersion ?? 0;
        if (messages.Count == 0)
            return new Decided<TState>(before, version, messages);
        await metadata.WriteAsync(session, personal, cancellation);
        stream.AppendMany(messages);
        if (commandId is { } command)
            foreach (var (index, e) in stream.Events.Index())
                e.Id = EventIds.Of(command, index);
        await session.SaveChangesAsync(cancellation);
        var after = messages.Aggregate(before, (state, message) => state.Fold(message));
        return new Decided<TState>(after, version + messages.Count, messages);
    }

    private Task PauseAsync(int attempt, CancellationToken cancellation)
    {
        var most = Math.Min(PauseMax.TotalMilliseconds, PauseMax.TotalMilliseconds / 64 * (1 << attempt));
        return Task.Delay(TimeSpan.FromMilliseconds(most * (0.5 + Random.Shared.NextDouble() / 2)), time, cancellation);
    }
}
