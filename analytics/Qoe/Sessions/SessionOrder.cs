using EventStream.Contracts;

namespace EventStream.Qoe.Sessions;

/// <summary>
/// Puts the reports of a session into order and drops repeated ones. Order is that of the sequence number <c>sn</c>;
/// a gap is waited for until the reorder time has passed, then it counts as lost. Reports without <c>sn</c> count as
/// they come.
/// </summary>
public static class SessionOrder
{
    /// <summary>
    /// Reports that may wait; with more the gap is given up, so that a session's state stays small.
    /// </summary>
    public const int HeldMax = 64;

    /// <summary>Fingerprints kept: some twenty seconds of a busy player.</summary>
    public const int RecentMax = 64;

    /// <summary>Takes in one report; returns those whose turn has come, in order.</summary>
    public static (SessionState State, IReadOnlyList<BeaconReceived> Ready) Admit(
        SessionState state,
        BeaconReceived beacon,
        DateTimeOffset at
    )
    {
        var print = Fingerprint(beacon);
        if (state.Recent.Contains(print))
            return (state with { Duplicates = state.Duplicates + 1 }, []);
        state = state with { Recent = [.. state.Recent.TakeLast(RecentMax - 1), print] };
        if (beacon.Sequence is not { } sequence)
            return (state, [beacon]);
        // A player counts from 0; the standard's examples from 1. A first report with a greater number waits for
        // those before.
        if (sequence == (state.NextSequence ?? 0))
            return Drain(state with { NextSequence = sequence + 1 }, [beacon]);
        if (sequence > (state.NextSequence ?? 0))
            return Hold(state, beacon);
        // The number has been passed. A player that was loaded again counts from 0 again; anything else is too late.
        return at > state.At
            ? (state with { NextSequence = sequence + 1, Held = [] }, [.. state.Held, beacon])
            : (state with { Late = state.Late + 1 }, []);
    }

    /// <summary>Gives up gaps that have been waited for long enough.</summary>
    public static (SessionState State, IReadOnlyList<BeaconReceived> Ready) Release(
        SessionState state,
        DateTimeOffset streamTime,
        QoeOptions options
    )
    {
        List<BeaconReceived>? all = null;
        while (
            state.Held.Count > 0 && streamTime - state.Held.Min(held => BeaconTime.Of(held, options)) >= options.Reorder
        )
        {
            (state, var ready) = SkipGap(state);
            (all ??= []).AddRange(ready);
        }

        return (state, all is null ? [] : all);
    }

    private static (SessionState, IReadOnlyList<BeaconReceived>) Hold(SessionState state, BeaconReceived beacon)
    {
        var held = state.Held.Append(beacon).OrderBy(other => other.Sequence).ToList();
        state = state with { Held = held };
        return held.Count > HeldMax ? SkipGap(state) : (state, []);
    }

    private static (SessionState, IReadOnlyList<BeaconReceived>) SkipGap(SessionState state) =>
        Drain(state with { NextSequence = state.Held[0].Sequence }, []);

    private static (SessionState, IReadOnlyList<BeaconReceived>) Drain(SessionState state, List<BeaconReceived> ready)
    {
        var next = state.NextSequence!.Value;
        var held = state.Held.ToList();
        while (held.Count > 0 && held[0].Sequence <= next)
        {
            next = Math.Max(next, held[0].Sequence!.Value + 1);
            ready.Add(held[0]);
            held.RemoveAt(0);
        }

        return (state with { NextSequence = next, Held = held }, ready);
    }

    /// <summary>
    /// FNV-1a over the line as sent, which differs in at least the time or the number from every other report.
    /// </summary>
    private static long Fingerprint(BeaconReceived beacon)
    {
        var hash = 14695981039346656037UL;
        foreach (var letter in beacon.Raw)
            hash = (hash ^ letter) * 1099511628211UL;
        return unchecked((long)hash);
    }
}
