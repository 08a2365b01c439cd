using EventStream.Contracts;
using Marten.Events.Aggregation;

namespace EventStream.EventStore;

/// <summary>
/// A state that follows from the messages of one stream, and from nothing else. The record has an <c>Id</c>, a
/// parameterless constructor and no member named <c>Apply</c>: Marten takes those for its own conventions.
/// </summary>
public interface IAggregate<TSelf>
    where TSelf : class, IAggregate<TSelf>, new()
{
    /// <summary>The state after one more message. Pure; throws for a message that its streams do not hold.</summary>
    TSelf Fold(IMessage message);
}

/// <summary>What Marten folds an aggregate with.</summary>
internal sealed class AggregateFold<TState, TId> : SingleStreamProjection<TState, TId>
    where TState : class, IAggregate<TState>, new()
    where TId : notnull
{
    public override TState? Evolve(TState? snapshot, TId id, JasperFx.Events.IEvent e) =>
        (snapshot ?? new TState()).Fold((IMessage)e.Data);
}
