using System.Globalization;

namespace EventStream.Journey.Steps;

/// <summary>
/// Three viewers in headless Chromium, one after the other so that two cores can decode them: hls.js on HLS, dash.js
/// on DASH, and one whose network turns slow and who must switch down without leaving.
/// </summary>
public static class PlayStep
{
    /// <summary>Past four boundaries of two-second segments.</summary>
    private const double PastFourBoundaries = 8.6;

    /// <summary>Where the slow viewer's network turns slow, and how far they must come all the same.</summary>
    private const double SlowFrom = 4;
    private const double SlowTo = 18;
    private const double SlowKilobits = 900;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(75);

    public static async Task RunAsync(
        Platform platform,
        Browser browser,
        Facts facts,
        Show show,
        CancellationToken cancellation
    )
    {
        await WatchAsync("HLS viewer", "hls", false);
        await WatchAsync("DASH viewer", "dash", false);
        await WatchAsync("slow viewer", "hls", true);

        async Task WatchAsync(string name, string player, bool throttled)
        {
            // A short buffer makes the slow network felt before the clip is over.
            var url = $"{platform.Url("console")}/watch/{facts.VideoId}?player={player}&region=eu&buffer=4";
            await using var viewer = await browser.OpenAsync(url);
            var seen = throttled
                ? await SlowAsync(viewer, cancellation)
                : await viewer.PlayedToAsync(PastFourBoundaries, Timeout, cancellation);
            await viewer.PictureAsync(platform.Options.Out, $"watch-{name.Replace(' ', '-').ToLowerInvariant()}");
            // The page's figures are read last, as late as the beacons that the platform counts.
            seen = await viewer.MeasuredAsync();
            await viewer.LeaveAsync();
            facts.Viewers.Add(new ViewerFacts(name, player, seen));
            show.Line(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} ({player}): {seen.PositionSeconds:0.0} s played, startup "
                        + $"{Viewer.Words(seen.StartupMs, "ms")}, "
                        + $"stalls {seen.Stalls}, switches {seen.Switches}, {Viewer.Words(seen.BitrateKbps, "kbit/s")} "
                        + $"from {seen.Edge}"
                )
            );
        }
    }

    private static async Task<BrowserFacts> SlowAsync(Viewer viewer, CancellationToken cancellation)
    {
        // A player begins low; only one that has come up has somewhere to switch down to.
        BrowserFacts before = await viewer.PlayedToAsync(SlowFrom, Timeout, cancellation);
        await Wait.UntilAsync(
            "the slow viewer has come up from the lowest rung",
            Timeout,
            cancellation,
            async () => (before = await viewer.MeasuredAsync()).BitrateKbps > SlowKilobits
        );
        await viewer.ThrottleAsync(SlowKilobits);
        BrowserFacts? after = null;
        await Wait.UntilAsync(
            "the slow viewer switched down",
            Timeout,
            cancellation,
            async () =>
            {
                after = await viewer.MeasuredAsync();
                return after.BitrateKbps < before.BitrateKbps && after.Switches > before.Switches;
            }
        );
        if (after!.SessionId != before.SessionId)
            throw new JourneyException("play: the slow viewer became another session");
        return await viewer.PlayedToAsync(SlowTo, Timeout, cancellation);
    }
}
