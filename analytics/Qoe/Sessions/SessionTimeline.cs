using EventStream.Contracts;

namespace EventStream.Qoe.Sessions;

/// <summary>
/// Books a session's time: how long it was in which state, at which bitrate, and what happened at the changes. Pure:
/// a state and a report give the next state and the shares of the windows that the booked time falls into.
/// </summary>
internal sealed partial class SessionTimeline(SessionState start, QoeOptions options)
{
    /// <summary>
    /// Two error reports closer than this are one failure: players send the fatal state and an error event together.
    /// </summary>
    private const double SameFailureMs = 1000;

    private readonly WindowShares shares = new(start, Here(start, options), options.Window);
    private SessionState state = start;

    /// <summary>The state reached, with the window in which the session was counted.</summary>
    public SessionState State => state with { CountedIn = shares.CountedIn, CountedKeys = shares.CountedKeys };

    public IReadOnlyList<WindowFigures> Shares => shares.All;

    /// <summary>Applies one report, whose turn it is.</summary>
    public void Apply(BeaconReceived beacon)
    {
        var at = BeaconTime.Of(beacon, options);
        if (state.Beacons == 0)
            state = state with { StartedAt = at, At = at, LastHeardAt = at };
        if (at < state.At)
            at = state.At;
        if (!state.Live && !Reopen(beacon, at))
            return;
        state = state with
        {
            Beacons = state.Beacons + 1,
            LastHeardAt = at > state.LastHeardAt ? at : state.LastHeardAt,
            Changed = true,
        };
        Advance(at);
        // Time until now belongs to the edge of before.
        state = state with
        {
            Subject = Merge(state.Subject, beacon),
        };
        shares.Subject = Here();
        shares.Touch(at);
        // A response report of dash.js carries the state at its request, which may be long past.
        if (beacon.State is { } phase && (beacon.Event != PlayerEvent.Response || state.Phase.Length == 0))
            Enter(phase, at, beacon.StartDelayMs);
        if (state.Phase.Length == 0 && beacon.Event == PlayerEvent.Interval)
            state = state with { RequestedAt = state.RequestedAt ?? at };
        StartDelay(beacon);
        Bitrate(beacon);
        Totals(beacon);
        if (beacon.Event == PlayerEvent.Error)
            Fail(at, beacon.State == PlayerState.Fatal);
        if (beacon.Event == PlayerEvent.Response)
            state = state with { PlayedMsAtLastResponse = state.PlayedMs };
    }

    /// <summary>Ends the session at the last moment that is known of it.</summary>
    public void End(string reason, DateTimeOffset at)
    {
        state = state with
        {
            EndReason = reason,
            EndedAt = at,
            Sent = false,
            StallFrom = null,
            StallCounted = false,
            Changed = true,
        };
        if (SessionScore.Of(state).ExitedBeforeStart)
            shares.Add(at, share => share with { ExitsBeforeStart = 1 });
    }

    private bool Reopen(BeaconReceived beacon, DateTimeOffset at)
    {
        // Interval and response reports go on after the end; only a state of playing on opens the session again.
        var goesOn =
            beacon is
            {
                Event: PlayerEvent.StateChange,
                State: PlayerState.Playing or PlayerState.Starting or PlayerState.Seeking or PlayerState.Rebuffering,
            };
        if (!goesOn || at <= state.EndedAt)
            return false;
        state = state with { EndReason = null, EndedAt = null, Phase = PlayerState.Seeking, Seeking = true, At = at };
        return true;
    }

    private static SessionSubject Merge(SessionSubject known, BeaconReceived beacon) =>
        new(
            known.VideoId.Length > 0 ? known.VideoId : beacon.ContentId ?? "",
            beacon.Edge.Length > 0 ? beacon.Edge : known.Edge,
            beacon.Region.Length > 0 ? beacon.Region : known.Region,
            known.Device.Length > 0 ? known.Device : beacon.Device,
            known.Player.Length > 0 ? known.Player : beacon.Player
        );

    private SessionSubject Here() => Here(state, options);

    /// <summary>The subject with the edge in use and, where the player named none, the edge's region.</summary>
    private static SessionSubject Here(SessionState state, QoeOptions options) =>
        SessionEdges.At(state.Subject, state.Edge, options.RegionOf(state.Edge) ?? "");

    private void AtEdge(Func<SessionEdge, SessionEdge> change)
    {
        var region = options.RegionOf(state.Edge) ?? "";
        state = state with { Edges = SessionEdges.With(state.Edges, state.Edge, region, change) };
    }

    /// <summary>Whether the viewer watches or waits in this state, as also before any report of one.</summary>
    private static bool IsWatching(string phase) =>
        phase
            is PlayerState.Starting
                or PlayerState.Playing
                or PlayerState.Seeking
                or PlayerState.Rebuffering
                or PlayerState.Waiting
                or "";

    private void Advance(DateTimeOffset to)
    {
        var from = state.At;
        var ms = (to - from).TotalMilliseconds;
        if (ms <= 0)
            return;
        if (IsWatching(state.Phase))
            state = state with { WatchedMs = state.WatchedMs + ms };
        if (state.Phase == PlayerState.Playing)
            Play(from, ms);
        if (state.StallFrom is { } stalled)
            Stall(stalled, from, to);
        state = state with { At = to };
    }

    private void Enter(string phase, DateTimeOffset at, double? startDelay)
    {
        if (phase == state.Phase)
            return;
        var before = state.Phase;
        state = state with { Phase = phase, StallFrom = null, StallCounted = false };
        switch (phase)
        {
            case PlayerState.Starting:
                // After preloading or a pause the wait begins now; else it began with the first report.
                state = state with
                {
                    RequestedAt = before is PlayerState.Preloading or PlayerState.Paused
                        ? at
                        : state.RequestedAt ?? state.StartedAt,
                };
                break;
            case PlayerState.Playing:
                Playing(at, startDelay);
                break;
            case PlayerState.Seeking:
                state = state with { Seeking = true };
                break;
            case PlayerState.Rebuffering:
                state = state with { ReportsStallState = true };
                if (state.FirstPlayAt is not null && !state.Seeking)
                    state = state with { StallFrom = at };
                break;
            case PlayerState.Fatal:
                Fail(at, fatal: true);
                break;
            case PlayerState.Ended:
                End(SessionEnd.Ended, at);
                break;
            case PlayerState.Quit:
                End(SessionEnd.Quit, at);
                break;
        }
    }

    private void Playing(DateTimeOffset at, double? startDelay)
    {
        if (state.Seeking && state.Announced.Count > 0)
        {
            var last = state.Announced[^1].Kbps;
            state = state with { Announced = [] };
            Show(last, at);
        }

        state = state with { Seeking = false, Failed = false };
        if (state.FirstPlayAt is not null)
            return;
        var waited = state.RequestedAt is { } asked ? (at - asked).TotalMilliseconds : (double?)null;
        state = state with { FirstPlayAt = at, StartupMs = startDelay > 0 ? startDelay : waited };
        var startup = state.StartupMs;
        AtEdge(part => part with { Started = true });
        shares.Add(
            at,
            share =>
                share with
                {
                    Starts = 1,
                    StartupsKnown = startup is null ? 0 : 1,
                    StartupMsSum = startup ?? 0,
                    StartupMsMax = startup ?? 0,
                }
        );
    }

    private void StartDelay(BeaconReceived beacon)
    {
        // A start delay reported before playback began cannot be one: dash.js sends its first guess with the first
        // report.
        if (beacon.StartDelayMs is > 0 && beacon.Event != PlayerEvent.Response && state.FirstPlayAt is not null)
            state = state with { StartupMs = beacon.StartDelayMs };
    }

    private void Fail(DateTimeOffset at, bool fatal)
    {
        state = state with { Failed = state.Failed || fatal };
        if (state.LastFailureAt is { } last && (at - last).TotalMilliseconds < SameFailureMs)
            return;
        state = state with { FailureCount = state.FailureCount + 1, LastFailureAt = at };
        shares.Add(at, share => share with { FailureCount = 1 });
    }
}
