using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using EventStream.Contracts;

namespace EventStream.EventStore.Upcasting;

/// <summary>
/// How events of old shapes become events of today's, by wire name: each step leads from one name to a newer one, and
/// steps follow each other until no further one leads on. What is stored is never rewritten.
/// </summary>
public sealed class Upcasters
{
    /// <summary>Most steps of one chain: more are a circle that was not meant.</summary>
    public const int StepsMax = 64;

    /// <summary>No old shapes.</summary>
    public static readonly Upcasters None = new([]);

    private readonly FrozenDictionary<string, Step> steps;

    private Upcasters(IEnumerable<Step> steps)
    {
        this.steps = steps.ToFrozenDictionary(step => step.From);
        foreach (var from in this.steps.Keys) Target(from);
    }

    /// <summary>Whether a stored name is not read as it is.</summary>
    internal bool Concerns(string name) => steps.Count > 0 && steps.ContainsKey(name);

    /// <summary>
    /// A step on JSON: the old shape needs no class any more. Throws <see cref="ArgumentException"/> when the name has
    /// a step already or the steps would go in a circle.
    /// </summary>
    public Upcasters Json(string from, string to, Func<JsonObject, JsonObject> upcast) =>
        With(new JsonStep(from, to, upcast));

    /// <summary>
    /// A step from one event type to another. Throws as <see cref="Json"/> does, and
    /// <see cref="UnknownMessageException"/> for a type without a wire name.
    /// </summary>
    public Upcasters Typed<TOld, TNew>(Func<TOld, TNew> upcast)
        where TOld : IEvent
        where TNew : IEvent =>
        With(new TypedStep(
            MessageTypes.NameOf(typeof(TOld)), MessageTypes.NameOf(typeof(TNew)), old => upcast((TOld)old)));

    /// <summary>The event of today that a stored one means, and its name.</summary>
    internal (string Name, IEvent Data) Upcast(string name, ReadOnlySpan<byte> json)
    {
        var shape = new Shape(name, JsonNode.Parse(json)!.AsObject(), null);
        while (steps.TryGetValue(shape.Name, out var step)) shape = step.Take(shape);
        return (shape.Name, shape.Typed());
    }

    private Upcasters With(Step step) =>
        steps.TryGetValue(step.From, out var other)
            ? throw new ArgumentException($"'{step.From}' has an upcaster already, to '{other.To}'.", nameof(step))
            : new Upcasters(steps.Values.Append(step));

    private void Target(string name)
    {
        var from = name;
        for (var i = 0; steps.TryGetValue(name, out var step); i++)
        {
            if (i == StepsMax)
                throw new ArgumentException($"The upcasters from '{from}' on go in a circle.", nameof(name));
            name = step.To;
        }
    }

    /// <summary>An event between two steps, as JSON or as a record.</summary>
    private sealed record Shape(string Name, JsonObject? Tree, IEvent? Record)
    {
        public JsonObject Json() => Tree ?? JsonNode.Parse(MessageTypes.Write(Record!))!.AsObject();

        public IEvent Typed() => Record
            ?? (IEvent)MessageTypes.Read(Name, JsonSerializer.SerializeToUtf8Bytes((JsonNode)Tree!));
    }

    private abstract record Step(string From, string To)
    {
        public abstract Shape Take(Shape old);
    }

    private sealed record JsonStep(string From, string To, Func<JsonObject, JsonObject> Upcast) : Step(From, To)
    {
        public override Shape Take(Shape old) => new(To, Upcast(old.Json()), null);
    }

    private sealed record TypedStep(string From, string To, Func<IEvent, IEvent> Upcast) : Step(From, To)
    {
        public override Shape Take(Shape old) => new(To, null, Upcast(old.Typed()));
    }
}
