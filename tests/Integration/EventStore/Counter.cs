using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Relay;
using JasperFx.Events.Projections;
using Marten.Events.Aggregation;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>The smallest aggregate: it counts the failures of a video's encoding.</summary>
public sealed record Counter : IAggregate<Counter>
{
    public Guid Id { get; init; }
    public int Count { get; init; }

    public static readonly ServiceStore Store = new(
        "counter",
        store =>
        {
            store.Aggregate<Counter, Guid>();
            store.Projections.Add(new CountedProjection(), ProjectionLifecycle.Async);
        }
    )
    {
        Relay = RelayRoutes.All(Topics.VideoEvents),
    };

    public Counter Fold(IMessage message) => this with { Count = Count + 1 };

    public IEnumerable<IMessage> Add(VideoId id, int most = int.MaxValue) => Count < most ? [Event(id, Count + 1)] : [];

    public static VideoEncodeFailed Event(VideoId id, int number) =>
        new(id, $"{number}", "counted", DateTimeOffset.UnixEpoch.AddSeconds(number));
}

/// <summary>How many each stream holds.</summary>
public sealed record Counted
{
    public Guid Id { get; init; }
    public int Count { get; init; }
}

public sealed class CountedProjection : SingleStreamProjection<Counted, Guid>
{
    public CountedProjection(uint version = 1) => (Name, Version) = ("counted", version);

    public override Counted? Evolve(Counted? snapshot, Guid id, JasperFx.Events.IEvent e) =>
        e.Data is IMessage ? new() { Id = id, Count = (snapshot?.Count ?? 0) + 1 } : snapshot;
}
