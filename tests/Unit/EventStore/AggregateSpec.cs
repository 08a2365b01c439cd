using System.Text;
using EventStream.Contracts;
using EventStream.EventStore;

namespace EventStream.Unit.Tests.EventStore;

/// <summary>
/// Given what happened, when something is decided, then these messages: how an aggregate is specified. Messages are
/// compared as the JSON that is stored, because lists inside records compare by identity.
/// </summary>
/// <example><c>Given(Registered).When(video => video.CompleteUpload(...)).Then(Uploaded);</c></example>
internal static class AggregateSpec
{
    /// <summary>The state that these messages lead to.</summary>
    public static Given<TState> Given<TState>(params IReadOnlyList<IMessage> history)
        where TState : class, IAggregate<TState>, new() =>
        new(history.Aggregate(new TState(), (state, message) => state.Fold(message)));
}

/// <summary>A state to decide on.</summary>
internal sealed record Given<TState>(TState State)
    where TState : class, IAggregate<TState>, new()
{
    /// <summary>Takes the decision; what it leads to must be a state.</summary>
    public Decision<TState> When(Func<TState, IEnumerable<IMessage>> decide)
    {
        IReadOnlyList<IMessage> messages = [.. decide(State)];
        return new(messages, messages.Aggregate(State, (state, message) => state.Fold(message)));
    }
}

/// <summary>What was decided, and the state after it.</summary>
internal sealed record Decision<TState>(IReadOnlyList<IMessage> Messages, TState After)
    where TState : class, IAggregate<TState>, new()
{
    /// <summary>Exactly these messages, none for a decision that changes nothing.</summary>
    public Decision<TState> Then(params IReadOnlyList<IMessage> expected)
    {
        Assert.Equal(expected.Select(Text), Messages.Select(Text));
        return this;
    }

    /// <summary>Nothing is left to decide.</summary>
    public Decision<TState> ThenNothing() => Then();

    /// <summary>Decides again, after what was decided.</summary>
    public Decision<TState> When(Func<TState, IEnumerable<IMessage>> decide) => new Given<TState>(After).When(decide);

    private static string Text(IMessage message) =>
        $"{message.GetType().Name} {Encoding.UTF8.GetString(MessageTypes.Write(message))}";
}
