using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.EventStore.Upcasting;

namespace EventStream.EventStore;

/// <summary>How a store treats its events.</summary>
public sealed record StoreOptions
{
    /// <summary>The secret over the keys of personal data.</summary>
    public required MasterKey MasterKey { get; init; }

    /// <summary>How events of old shapes become those of today.</summary>
    public Upcasters Upcasters { get; init; } = Upcasters.None;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Projections that are written in the transaction of the append.</summary>
    public IReadOnlyList<IInlineProjection> Inline { get; init; } = [];

    /// <summary>
    /// Round trips of appends that run at a time. Callers that come while one runs are folded into the next, up to
    /// <see cref="GroupMax"/> of them in one transaction; a second one runs beside the first only where 40 events and
    /// more wait, more of them only where callers would wait for more than 10 ms. 0 sends every append by itself.
    /// </summary>
    public int GroupsMax { get; init; } = 8;

    /// <summary>Appends that share one transaction at most.</summary>
    public int GroupMax { get; init; } = 64;
}
