using EventStream.Contracts;

namespace EventStream.Qoe.Sessions;

/// <summary>
/// Time that was played or stalled, as it is booked; and the stalls of a player that reports only their totals.
/// </summary>
internal sealed partial class SessionTimeline
{
    private void Play(DateTimeOffset from, double ms)
    {
        while (ms > 0)
        {
            var next = state.Announced.Count > 0 && state.Announced[0].Arrived ? state.Announced[0] : null;
            var part = next is null ? ms : Math.Clamp(next.DuePlayedMs - state.PlayedMs, 0, ms);
            if (part > 0)
                PlayAt(from, part);
            from = from.AddMilliseconds(part);
            ms -= part;
            if (next is null || next.DuePlayedMs - state.PlayedMs > 0.001)
                continue;
            state = state with { Announced = state.Announced.Skip(1).ToList() };
            Show(next.Kbps, from);
        }
    }

    private void PlayAt(DateTimeOffset from, double ms)
    {
        var kbps = state.PlayheadBitrate ?? state.Bitrate;
        state = state with
        {
            PlayedMs = state.PlayedMs + ms,
            BitrateMs = state.BitrateMs + ((kbps ?? 0) * ms),
            BitrateKnownMs = state.BitrateKnownMs + (kbps is null ? 0 : ms),
        };
        AtEdge(part => part with { PlayedMs = part.PlayedMs + ms });
        shares.Split(
            from,
            from.AddMilliseconds(ms),
            (share, part) =>
                share with
                {
                    PlayedMs = part,
                    BitrateMs = (kbps ?? 0) * part,
                    BitrateKnownMs = kbps is null ? 0 : part,
                }
        );
    }

    private void Stall(DateTimeOffset stalled, DateTimeOffset from, DateTimeOffset to)
    {
        if (!state.StallCounted)
        {
            if ((to - stalled).TotalMilliseconds < options.StallMinMs)
                return;
            from = stalled;
            state = state with { StallCounted = true, StallCount = state.StallCount + 1 };
            AtEdge(part => part with { StallCount = part.StallCount + 1 });
            shares.Add(stalled, share => share with { StallCount = 1 });
        }

        var ms = (to - from).TotalMilliseconds;
        state = state with { StallMs = state.StallMs + ms };
        AtEdge(part => part with { StallMs = part.StallMs + ms });
        shares.Split(from, to, (share, part) => share with { StallMs = part });
    }

    private void Totals(BeaconReceived beacon)
    {
        if (beacon.StallCountTotal is null && beacon.StallMsTotal is null && beacon.StallMs is null)
            return;
        var ms =
            beacon.StallMsTotal
            ?? (
                beacon.StallMs is { } part && state.FirstPlayAt is not null
                    ? (state.ReportedStallMs ?? 0) + part
                    : state.ReportedStallMs
            );
        var counted =
            beacon.StallMs is > 0 && state.FirstPlayAt is not null
                ? (state.ReportedStallCount ?? 0) + 1
                : state.ReportedStallCount;
        state = state with { ReportedStallMs = ms, ReportedStallCount = beacon.StallCountTotal ?? counted };
        if (state.ReportsStallState || beacon.StallMs is not > 0 || state.FirstPlayAt is null)
            return;
        AtEdge(part => part with { StallCount = part.StallCount + 1, StallMs = part.StallMs + beacon.StallMs.Value });
        shares.Add(state.At, share => share with { StallCount = 1 });
        shares.Split(
            state.At.AddMilliseconds(-beacon.StallMs.Value),
            state.At,
            (share, length) => share with { StallMs = length }
        );
    }
}
