using System.Text;
using EventStream.Contracts;

namespace EventStream.Tests.Kit;

/// <summary>
/// Given what happened, when something is decided, then these events: how an aggregate is specified. Events are
/// compared as the JSON that is stored, because lists inside records compare by identity.
/// </summary>
/// <example><c>Given(Registered).When(video => video.CompleteUpload(...)).Then(Uploaded);</c></example>
public abstract class AggregateSpec<TState>(TState initial, Func<TState, IMessage, TState> fold)
{
    protected AggregateSpec(TState initial, Func<TState, IEvent, TState> apply)
        : this(initial, (TState state, IMessage message) => apply(state, (IEvent)message))
    {
    }

    /// <summary>What happened so far; nothing, for a new one.</summary>
    protected Scenario Given(params IMessage[] history) => new(this, history);

    /// <summary>One moment in the life of an aggregate.</summary>
    protected sealed class Scenario(AggregateSpec<TState> spec, IMessage[] given)
    {
        private IMessage[] history = given;
        private IMessage[] decided = [];

        /// <summary>The state that it has now, what was decided included.</summary>
        public TState State => history.Concat(decided).Aggregate(spec.Initial, spec.Apply);

        /// <summary>Takes a decision on the state. Whatever was decided before has happened.</summary>
        public Scenario When(Func<TState, IEnumerable<IMessage>> decide)
        {
            history = [.. history, .. decided];
            decided = [];
            decided = [.. decide(State)];
            return this;
        }

        /// <summary>Exactly these events, none for a decision that changes nothing.</summary>
        public Scenario Then(params IMessage[] expected)
        {
            Assert.Equal(expected.Select(Text), decided.Select(Text));
            return this;
        }

        /// <summary>What the state is then.</summary>
        public Scenario Then(Action<TState> look)
        {
            look(State);
            return this;
        }

        private static string Text(IMessage e) =>
            $"{e.GetType().Name} {Encoding.UTF8.GetString(MessageTypes.Write(e))}";
    }

    private TState Initial => initial;

    private TState Apply(TState state, IMessage e) => fold(state, e);
}
