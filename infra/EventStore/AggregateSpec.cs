using System.Text;
using EventStream.Contracts;

namespace EventStream.EventStore;

/// <summary>
/// A sentence about an aggregate: given what happened, when this is decided, then that follows. It needs no database.
/// </summary>
public static class AggregateSpec
{
    /// <summary>The state that these messages lead to.</summary>
    public static Given<TState> Given<TState>(params IReadOnlyList<IMessage> history)
        where TState : class, IAggregate<TState>, new() =>
        new(history.Aggregate(new TState(), (state, message) => state.Fold(message)));
}

/// <summary>A state to decide on.</summary>
public sealed record Given<TState>(TState State)
    where TState : class, IAggregate<TState>, new()
{
    /// <summary>Takes the decision, and checks that what follows can be folded.</summary>
    public Decision<TState> When(Func<TState, IEnumerable<IMessage>> decide)
    {
        IReadOnlyList<IMessage> messages = [.. decide(State)];
        return new(messages, messages.Aggregate(State, (state, message) => state.Fold(message)));
    }
}

/// <summary>What followed, and the state after it.</summary>
public sealed record Decision<TState>(IReadOnlyList<IMessage> Messages, TState After)
{
    /// <summary>Throws <see cref="AggregateSpecException"/> unless exactly these messages followed.</summary>
    public Decision<TState> Then(params IReadOnlyList<IMessage> expected)
    {
        var (wanted, got) = (Describe(expected), Describe(Messages));
        return wanted == got ? this : throw new AggregateSpecException($"Expected:\n{wanted}\nbut decided:\n{got}");
    }

    /// <summary>Nothing is left to decide.</summary>
    public Decision<TState> ThenNothing() => Then();

    private static string Describe(IReadOnlyList<IMessage> messages) => messages.Count == 0 ? "  nothing"
        : string.Join('\n', messages.Select(message =>
            $"  {MessageTypes.NameOf(message.GetType())} {Encoding.UTF8.GetString(MessageTypes.Write(message))}"));
}

/// <summary>A specification of an aggregate does not hold; the message shows both sides.</summary>
public sealed class AggregateSpecException(string message) : Exception(message);
