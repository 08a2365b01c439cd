using System.Diagnostics;
using System.Net;
using System.Text.Json;
using EventStream.Cli.Load;
using EventStream.Cli.Supervisor;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Capacity;

/// <summary>What ships by default forecasts and decides: no test of the parts can show that the parts fit.</summary>
public class PlainAutoscaleTests
{
    private const string Sample =
        "-f lavfi -i testsrc2=size=426x240:rate=24:duration=8 -f lavfi -i sine=d=8 -c:v libx264 -preset ultrafast "
        + "-c:a aac -shortest";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Plain_up_has_a_forecast_and_a_decision_within_three_minutes_and_sees_its_viewers()
    {
        await using var platform = await PlatformProcess.StartAsync();
        var since = Stopwatch.StartNew();
        using var analyst = TestKeys.Client(platform.Data.Secret(DataFolder.OperatorKey));
        var capacity = platform.Ports.Url("capacity");
        // Nobody watches yet: zeros are load too.
        await Wait.UntilAsync(
            "viewers are forecast",
            async () =>
            {
                using var answer = await analyst.GetAsync(capacity + "/v1/forecasts/viewers");
                return answer.StatusCode == HttpStatusCode.OK;
            },
            Limit
        );
        await Wait.UntilAsync(
            "a decision was made",
            async () =>
            {
                using var decisions = JsonDocument.Parse(await analyst.GetStringAsync(capacity + "/v1/decisions"));
                return decisions.RootElement.GetArrayLength() > 0;
            },
            Limit - since.Elapsed
        );
        Assert.Equal(HttpStatusCode.OK, (await analyst.GetAsync(capacity + "/health/ready")).StatusCode);

        var video = await Publisher.UploadAsync(platform, await Publisher.MakeAsync(platform, "sample.mp4", Sample));
        await Publisher.UntilPublishedAsync(platform, video);
        using var leave = new CancellationTokenSource();
        var options = new LoadOptions
        {
            VideoId = video,
            PlaybackUrl = platform.Ports.Url("playback"),
            ViewersPeak = 20,
            Day = TimeSpan.FromMinutes(20),
        };
        var load = new LoadRun(options, TimeProvider.System).RunAsync(null, leave.Token);
        try
        {
            await Wait.UntilAsync(
                "the viewers are in the load and in the forecast",
                async () =>
                {
                    using var made = JsonDocument.Parse(
                        await analyst.GetStringAsync(capacity + "/v1/forecasts/viewers")
                    );
                    return made.RootElement.GetProperty("steps")[0].GetProperty("q99").GetDouble() >= 1
                        && await LastLoadAsync(analyst, capacity) >= 1;
                },
                Limit
            );
        }
        finally
        {
            await leave.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);
        }

        // With load behind it the autoscaler decides while the platform still starts.
        await platform.RestartAsync();
    }

    private static async Task<double> LastLoadAsync(HttpClient analyst, string capacity)
    {
        using var resources = JsonDocument.Parse(await analyst.GetStringAsync(capacity + "/v1/resources"));
        return resources
            .RootElement.EnumerateArray()
            .Single(resource => resource.GetProperty("resource").GetString() == "viewers")
            .GetProperty("lastValue")
            .GetDouble();
    }
}
