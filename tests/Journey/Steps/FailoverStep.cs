using System.Globalization;
using System.Text.Json;

namespace EventStream.Journey.Steps;

/// <summary>
/// Two edges stand for two regions. The steering manifest names them in order of health; the one in use is stopped
/// while a viewer watches, who goes on from the other.
/// </summary>
public static class FailoverStep
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(75);

    public static async Task RunAsync(
        Platform platform,
        Browser browser,
        Facts facts,
        Show show,
        CancellationToken cancellation
    )
    {
        await using var viewer = await browser.OpenAsync(
            $"{platform.Url("console")}/watch/{facts.VideoId}?player=hls&region=eu"
        );
        var before = await viewer.PlayedToAsync(3, Timeout, cancellation);
        var order = await OrderAsync(platform, cancellation);
        show.Line($"steering: {string.Join(" > ", order)}; the viewer plays from {before.Edge}");
        await EdgeAsync(platform, before.Edge, "stop", cancellation);
        try
        {
            await Wait.UntilAsync(
                $"steering puts {before.Edge} last",
                Timeout,
                cancellation,
                async () => (await OrderAsync(platform, cancellation))[0] != before.Edge
            );
            var after = await viewer.PlayedToAsync(22, Timeout, cancellation);
            await Wait.UntilAsync(
                "the viewer plays from the other edge",
                Timeout,
                cancellation,
                async () => (after = await viewer.MeasuredAsync()).Edge != before.Edge
            );
            order = await OrderAsync(platform, cancellation);
            if (after.SessionId != before.SessionId)
                throw new JourneyException("failover: the session did not survive");
            await viewer.PictureAsync(platform.Options.Out, "watch-failover");
            await viewer.LeaveAsync();
            facts.Viewers.Add(new ViewerFacts("failover viewer", "hls", after));
            facts.Failover = string.Create(
                CultureInfo.InvariantCulture,
                $"{before.Edge} stopped at {before.PositionSeconds:0.0} s of playback; the same session went on "
                    + $"from {after.Edge} to "
                    + $"{after.PositionSeconds:0.0} s with {after.Stalls} stalls ({after.StallMs:0} ms); steering: "
                    + $"{string.Join(" > ", order)}"
            );
            show.Line(facts.Failover);
        }
        finally
        {
            await EdgeAsync(platform, before.Edge, "start", cancellation);
        }

        await Wait.UntilAsync(
            $"{before.Edge} is healthy again",
            Timeout,
            cancellation,
            async () =>
                (await platform.Http.GetAsync($"{platform.EdgeA}/health", cancellation)).IsSuccessStatusCode
                && (await platform.Http.GetAsync($"{platform.EdgeB}/health", cancellation)).IsSuccessStatusCode
        );
    }

    private static async Task<string[]> OrderAsync(Platform platform, CancellationToken cancellation)
    {
        var manifest = await platform.GetAsync($"{platform.Url("traffic")}/v1/steering/hls?region=eu", cancellation);
        return manifest.GetProperty("PATHWAY-PRIORITY").Deserialize<string[]>()!;
    }

    private static async Task EdgeAsync(Platform platform, string edge, string verb, CancellationToken cancellation)
    {
        using var answer = await platform.OperateAsync(
            HttpMethod.Post,
            $"/v1/edges/{edge}/{verb}",
            new { reason = "the demonstration shows a failover" },
            cancellation
        );
    }
}
