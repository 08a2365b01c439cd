using EventStream.Contracts;
using EventStream.Streams;
using EventStream.Streams.State;

namespace EventStream.Qoe.Sessions;

/// <summary>
/// Keeps the sessions of a partition. Reports go through <see cref="SessionOrder"/> and <see
/// cref="SessionTimeline"/>; out come window shares, at intervals the session so far, and once the session as it
/// ended. Log lines get the session's dimensions.
/// </summary>
internal sealed class SessionProcessor(QoeOptions options) : Processor<QoeInput>
{
    public const string Store = "sessions";
    public const string Waiting = "requests-waiting";

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);
    private TypedKeyValueStore<string, SessionState> sessions = null!;
    private SessionRequests requests = null!;

    protected override void Init()
    {
        sessions = Context.Store<TypedKeyValueStore<string, SessionState>>(Store);
        requests = new SessionRequests(
            sessions,
            Context.Store<TypedKeyValueStore<string, WaitingRequests>>(Waiting),
            options
        );
        Context.SchedulePunctuation(Tick, OnTick);
    }

    protected override void Process(StreamRecord<QoeInput> record)
    {
        if (!record.Value.Counts)
            return;
        if (record.Value.Beacon is { } beacon)
            OnBeacon(beacon);
        else if (record.Value.Request is { } request)
            OnRequest(request, record.Time);
    }

    private void OnBeacon(BeaconReceived beacon)
    {
        var at = BeaconTime.Of(beacon, options);
        var before = sessions.TryGet(beacon.SessionId, out var found)
            ? found
            : requests.Begin(SessionState.Begin(beacon, at));
        var (state, ready) = SessionOrder.Admit(before, beacon, at);
        Apply(state, ready);
    }

    private void OnRequest(CdnRequestServed request, DateTimeOffset at)
    {
        requests.Add(request, at);
        var known =
            request.SessionId is not null && sessions.TryGet(request.SessionId, out var found) ? found.Subject : null;
        var share = new WindowFigures
        {
            Subject = SessionEdges.At(
                new SessionSubject(
                    request.VideoId ?? known?.VideoId ?? "",
                    "",
                    known?.Region ?? "",
                    known?.Device ?? "",
                    Player: ""
                ),
                request.Edge,
                options.RegionOf(request.Edge) ?? request.Region
            ),
            Time = at,
            Requests = 1,
            Bytes = request.Bytes,
            CacheHits = request.CacheStatus is "HIT" or "STALE" or "UPDATING" or "REVALIDATED" ? 1 : 0,
            RequestErrors = SessionRequests.IsError(request.Status) ? 1 : 0,
        };
        Forward(request.SessionId ?? request.Edge, share, at);
    }

    private void Apply(SessionState state, IReadOnlyList<BeaconReceived> ready)
    {
        if (ready.Count > 0)
        {
            var timeline = new SessionTimeline(state, options);
            foreach (var beacon in ready)
                timeline.Apply(beacon);
            state = timeline.State;
            Send(timeline.Shares, state);
        }

        sessions.Put(state.SessionId, Update(state, state.At));
    }

    /// <summary>Reports the session so far, unless that was done a moment ago.</summary>
    private SessionState Update(SessionState state, DateTimeOffset now)
    {
        if (!state.Changed || !state.Live || now < state.UpdatedAt.AddSeconds(options.UpdateSeconds))
            return state;
        Forward(state.SessionId, View(state), now);
        return state with { UpdatedAt = now, Changed = false };
    }

    /// <summary>Sends the end, once.</summary>
    private void Finish(SessionState state)
    {
        sessions.Put(state.SessionId, state with { Sent = true });
        var finished = new SessionFinished(
            state.SessionId,
            SessionEdges.Subject(state),
            state.EndReason!,
            SessionScore.Of(state),
            state.Beacons,
            state.StartedAt,
            state.EndedAt!.Value,
            SessionEdges.Of(state)
        );
        Forward(state.SessionId, finished, finished.EndedAt);
    }

    private void OnTick(DateTimeOffset streamTime)
    {
        foreach (var (id, state) in sessions.Entries.ToList())
        {
            if (state.Live)
                Tend(state, streamTime);
            else if (!state.Sent && streamTime >= state.EndedAt!.Value.AddSeconds(options.SessionLogSeconds))
                Finish(state);
            else if (streamTime - state.LastHeardAt > 2 * options.SessionTimeout)
                sessions.Delete(id);
        }

        requests.Forget(streamTime);
    }

    private void Tend(SessionState before, DateTimeOffset streamTime)
    {
        var (state, ready) = SessionOrder.Release(before, streamTime, options);
        if (ready.Count > 0)
            Apply(state, ready);
        else if (Overdue(state, streamTime) is { } reason)
            End(state, reason);
        else if (state.Changed && Update(state, streamTime) is var updated && !updated.Changed)
            sessions.Put(state.SessionId, updated);
    }

    /// <summary>
    /// A fatal error ends a session when the player has not recovered by itself within the reorder time.
    /// </summary>
    private string? Overdue(SessionState state, DateTimeOffset streamTime) =>
        state.Phase == "f" && streamTime - state.LastHeardAt >= options.Reorder ? "fatal"
        : streamTime - state.LastHeardAt >= options.SessionTimeout ? "timeout"
        : null;

    private void End(SessionState state, string reason)
    {
        var timeline = new SessionTimeline(state, options);
        timeline.End(reason, state.LastHeardAt);
        Send(timeline.Shares, state);
        sessions.Put(state.SessionId, timeline.State);
    }

    private void Send(IReadOnlyList<WindowFigures> shares, SessionState state)
    {
        foreach (var share in shares)
            Forward(state.SessionId, share, share.Time);
    }

    /// <summary>The session as others see it while it lasts.</summary>
    internal static SessionUpdated View(SessionState state) =>
        new(
            state.SessionId,
            SessionEdges.Subject(state),
            state.Phase,
            SessionScore.Of(state),
            state.Beacons,
            state.StartedAt,
            state.LastHeardAt,
            SessionEdges.Of(state)
        );
}
