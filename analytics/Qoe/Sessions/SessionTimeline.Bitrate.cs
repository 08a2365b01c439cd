using EventStream.Contracts;

namespace EventStream.Qoe.Sessions;

/// <summary>
/// The bitrate. A player that reports its playhead's (<c>pb</c>) is believed: the mean weighs it by time. The
/// product's page adds it for hls.js, whose own reports lack it. dash.js gives the rendition that it loads under both
/// keys, and on the way up loads again what it had buffered, so that this is soon on the screen. Of a player that
/// reports only what it loads, that is seen when the buffer before it has been played; where its buffer length is
/// stale, as in the first reports of hls.js, the estimate is off by a segment or two. Switches of the last two kinds
/// are counted by the buffer, because a rendition that was given up before its media arrived was never seen.
/// </summary>
internal sealed partial class SessionTimeline
{
    /// <summary>Buffer lengths are rounded to 100 ms, at both ends of the comparison.</summary>
    private const double BufferRoundingMs = 200;

    private void Bitrate(BeaconReceived beacon)
    {
        if (beacon.ObjectType is "a" or "tt" or "c" or "k" or "m")
            return;
        if (beacon.PlayheadBitrateKbps is > 0 and { } shown)
            state = state with { PlayheadBitrate = shown };
        var loading = beacon.BitrateKbps;
        // dash.js gives the rendition being loaded under both keys; only a difference shows that a player knows its
        // playhead.
        if (
            beacon.PlayheadBitrateKbps is { } playhead
            && (state.ReportsPlayhead || loading is null || !Same(playhead, loading.Value))
        )
        {
            state = state with { ReportsPlayhead = true, Announced = [] };
            Show(playhead, state.At);
        }
        else if (loading is { } kbps && !state.ReportsPlayhead)
        {
            Buffer(beacon);
            if (state.FirstPlayAt is null && !Buffered(beacon))
                Begin(kbps);
            else
                Announce(kbps, state.BufferEndMs);
            if (beacon.Event == PlayerEvent.Response && beacon.ObjectType is null or "v" or "av")
                Arrive(kbps, beacon);
        }
    }

    /// <summary>
    /// Learns where the buffer ends. hls.js measures it when it appends and repeats the figure until the next append:
    /// only a new figure is of now. Players that name the object of a response measure at each report.
    /// </summary>
    private void Buffer(BeaconReceived beacon)
    {
        if (beacon.Event == PlayerEvent.Response && beacon.ObjectType is not null)
            state = state with { MeasuresAtReport = true };
        if (beacon.BufferMs is { } length && (state.MeasuresAtReport || length != state.BufferMs))
            state = state with { BufferMs = length, BufferEndMs = state.PlayedMs + length };
    }

    /// <summary>
    /// Whether media of the bitrate known so far waits in the buffer, so that it is seen before another one. hls.js
    /// gives a buffer length from the first append on; what it loads before that, to measure the network, is dropped.
    /// </summary>
    private bool Buffered(BeaconReceived beacon) => state.MediaArrived && beacon.BufferMs is not null;

    /// <summary>Before anything is in the buffer, the latest bitrate is the one that playback begins with.</summary>
    private void Begin(double kbps)
    {
        if (state.Bitrate is { } known && Same(known, kbps))
            return;
        state = state with { Bitrate = kbps, MediaArrived = false, Announced = [] };
    }

    private void Announce(double kbps, double bufferEndMs)
    {
        var latest = state.Announced.Count > 0 ? state.Announced[^1].Kbps : state.Bitrate;
        if (latest is { } known && Same(known, kbps))
            return;
        // Until the buffer has been played the old bitrate is seen; what was announced for the same end never
        // arrived. hls.js starts with a buffer of 0 ms in its reports; a page that knows the playhead reports it
        // right after the start, before the estimate shows.
        var due = Math.Max(BufferRoundingMs, Math.Max(state.PlayedMs, bufferEndMs));
        state = state with
        {
            Announced =
            [
                .. state.Announced.Where(other => other.DuePlayedMs < due - BufferRoundingMs),
                new AnnouncedBitrate(kbps, due, state.PlayedMsAtLastResponse is null),
            ],
        };
    }

    /// <summary>Media of the announced bitrate is there; from now on it can be seen.</summary>
    private void Arrive(double kbps, BeaconReceived beacon)
    {
        if (state.Bitrate is { } known && Same(known, kbps))
            state = state with { MediaArrived = true };
        if (!state.Announced.Any(other => !other.Arrived && Same(other.Kbps, kbps)))
            return;
        // hls.js reports the buffer as it was before this response; the announcement came before that was measured.
        var end = beacon.PlayheadBitrateKbps is null ? state.BufferEndMs : state.PlayedMs;
        state = state with
        {
            Announced = state
                .Announced.Select(other =>
                    other.Arrived || !Same(other.Kbps, kbps)
                        ? other
                        : other with
                        {
                            Arrived = true,
                            DuePlayedMs = Math.Max(other.DuePlayedMs, end),
                        }
                )
                .ToList(),
        };
    }

    private void Show(double kbps, DateTimeOffset at)
    {
        var changed = state.Bitrate is { } known && !Same(known, kbps) && state.FirstPlayAt is not null;
        state = state with { Bitrate = kbps, SwitchCount = state.SwitchCount + (changed ? 1 : 0) };
        if (changed)
            shares.Add(at, share => share with { SwitchCount = 1 });
    }

    /// <summary>Players round the same rendition's bitrate up in one report and down in another.</summary>
    private static bool Same(double a, double b) => Math.Abs(a - b) <= 0.01 * Math.Max(a, b);
}
