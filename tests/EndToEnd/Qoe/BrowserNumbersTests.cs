using System.Net.Http.Json;
using Confluent.Kafka;
using EventStream.Collect;
using EventStream.Contracts;
using EventStream.EndToEnd.Tests.Playback;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Playback.Sessions;
using EventStream.Qoe;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace EventStream.EndToEnd.Tests.Qoe;

/// <summary>
/// What the platform says of a viewing is what the browser itself measured: HLS and DASH at once in Chromium, through
/// two edges, of which one is stopped on the way.
/// </summary>
public sealed class BrowserNumbersTests(SampleVideo video, PlayerPage player)
    : IClassFixture<SampleVideo>,
        IClassFixture<PlayerPage>
{
    private const double StepSeconds = 2;

    [Fact]
    public async Task Sessions_edges_and_viewers_are_those_that_the_browser_measured()
    {
        await using var broker = await StreamsBroker.StartAsync();
        await broker.Admin.EnsureAsync(Topics.All, CancellationToken.None);
        var collectUrl = $"http://127.0.0.1:{FreePort.Next()}";
        await using var rig = await PlaybackRig.StartAsync(video.MediaRoot, true, ("Urls:Public:collect", collectUrl));
        rig.Tell(video.Events());
        await using var collect = await StartAsync(new CollectRole(), rig, broker, collectUrl);
        await using var qoe = await StartAsync(new QoeRole(), rig, broker, "http://127.0.0.1:0");

        var (hls, dash) = (new MeasuringPage(await player.OpenAsync()), new MeasuringPage(await player.OpenAsync()));
        var sessions = new[] { await OpenAsync(rig, "hls.js"), await OpenAsync(rig, "dash.js") };
        await Task.WhenAll(hls.PlayAsync("hls", sessions[0]), dash.PlayAsync("dash", sessions[1]));
        await Task.WhenAll(hls.UntilAsync(5), dash.UntilAsync(5));
        await rig.Edges[0].DisposeAsync();
        var pages = await Task.WhenAll(hls.LeaveAsync(13), dash.LeaveAsync(13));

        var finished = broker.ReadUntil(Topics.QoeSessions, read => Read<SessionFinished>(read).Count == 2);
        for (var i = 0; i < pages.Length; i++)
        {
            var id = $"{sessions[i].SessionId}";
            Compare(rig, pages[i], Read<SessionFinished>(finished).Single(row => row.SessionId == id));
        }

        CompareViewers(broker, pages);
        await qoe.StopAsync();
        await collect.StopAsync();
    }

    private static void Compare(PlaybackRig rig, PageMeasures page, SessionFinished row)
    {
        string Host(string edge) => $"127.0.0.1:{rig.Edges[edge == "edge-a" ? 0 : 1].Options.Port}";
        // dash.js tells of a segment that was on its way from the edge when that stopped, and plays on from the other.
        Assert.All(page.Errors, error => Assert.Contains(Host("edge-a"), error));
        var quality = row.Quality;
        // The page's clock starts before the player is made, the session's with its first report.
        Assert.InRange(quality.StartupMs!.Value, page.StartupMs!.Value - 400, page.StartupMs.Value + 100);
        Assert.Equal(page.Stalls, quality.StallCount);
        Assert.InRange(quality.StallMs, page.StallMs - 250, page.StallMs + 250);
        // By the player's events: on a busy machine the picture moves on more slowly than the clock.
        var played = page.EndedAt - page.StartedAt - page.StallMs;
        Assert.InRange(quality.PlayedMs, played - 300, played + 300);
        // Both tell the bitrate of their playhead; hls.js rounds, and its page asks it only every 50 ms.
        var tolerance = row.Subject.Player == "dash.js" ? 0.05 : 0.1;
        Assert.InRange(
            quality.AverageBitrateKbps!.Value,
            page.BitrateKbps * (1 - tolerance),
            page.BitrateKbps * (1 + tolerance)
        );

        Assert.Equal(["edge-a", "edge-b"], row.Edges!.Select(part => part.Edge).Order());
        Assert.All(
            row.Edges!,
            part =>
            {
                Assert.Equal(part.Edge == "edge-a" ? "eu" : "us", part.Region);
                // One may be under way when the page is left.
                Assert.InRange(part.Requests, page.Requests[Host(part.Edge)], page.Requests[Host(part.Edge)] + 1);
                // To one segment: the page and the row may place the change of edges on either end of it.
                Assert.InRange(part.PlayedMs, page.Played[Host(part.Edge)] - 2000, page.Played[Host(part.Edge)] + 2000);
                Assert.Equal(part.Edge == "edge-a", part.Started);
            }
        );
        Assert.Equal((row.Edges![0].Edge, row.Edges[0].Region), (row.Subject.Edge, row.Subject.Region));
    }

    private static void CompareViewers(StreamsBroker broker, PageMeasures[] pages)
    {
        var (first, last) = (pages.Min(page => page.StartedAt), pages.Max(page => page.EndedAt));
        var (both, one) = (pages.Max(page => page.StartedAt), pages.Min(page => page.EndedAt));
        var read = broker.ReadUntil(Topics.TrafficLoad, all => Viewers(all).Exists(step => Start(step) >= last));
        var steps = Viewers(read);
        Assert.All(steps, step => Assert.InRange(step.Peak!.Value, step.Value, 2));
        var whole = steps.Where(step => Start(step) >= both + 100 && End(step) <= one - 100).ToList();
        Assert.NotEmpty(whole);
        Assert.All(whole, step => Assert.Equal((2.0, 2.0), (Math.Round(step.Value, 2), step.Peak)));
        Assert.All(
            steps.Where(step => End(step) <= first - 500 || Start(step) >= last + 500),
            step => Assert.Equal((0.0, 0.0), (step.Value, step.Peak))
        );
        // Viewing time over all steps is that of the pages.
        var watched = steps.Sum(step => step.Value * step.StepSeconds * 1000);
        var expected = pages.Sum(page => page.EndedAt - page.StartedAt);
        Assert.InRange(watched, expected - 1500, expected + 1500);
    }

    private static double Start(LoadMeasured step) => step.Time.ToUnixTimeMilliseconds();

    private static double End(LoadMeasured step) => Start(step) + (step.StepSeconds * 1000);

    private static List<LoadMeasured> Viewers(List<ConsumeResult<byte[], byte[]>> read) =>
        Read<LoadMeasured>(read).Where(load => load.Resource == "viewers").ToList();

    private static List<TMessage> Read<TMessage>(List<ConsumeResult<byte[], byte[]>> read) =>
        read.Select(record =>
                MessageTypes.Read(CloudEvents.Text(record.Message.Headers, CloudEvents.Type)!, record.Message.Value)
            )
            .OfType<TMessage>()
            .ToList();

    private async Task<SessionOpened> OpenAsync(PlaybackRig rig, string name)
    {
        using var answer = await rig.Http.PostAsJsonAsync(
            $"{rig.PlaybackUrl}/v1/videos/{video.Id}/sessions",
            new { player = name }
        );
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<SessionOpened>())!;
    }

    private static async Task<WebApplication> StartAsync(IRole role, PlaybackRig rig, StreamsBroker broker, string url)
    {
        var settings = rig
            .Configuration.AsEnumerable()
            .Where(pair => pair.Value is not null)
            .ToDictionary(pair => pair.Key, pair => pair.Value);
        settings["Kafka:Bootstrap"] = broker.Kafka.Bootstrap;
        settings[$"Listen:{role.Name}"] = url;
        settings["Qoe:ApplicationId"] = $"qoe-{Guid.NewGuid():N}";
        settings["Qoe:LoadStepSeconds"] = $"{StepSeconds}";
        settings["Collect:CheckpointFolder"] = Path.Combine(rig.Folder, "collect");
        for (var i = 0; i < rig.Edges.Count; i++)
        {
            settings[$"Collect:AccessLogs:{i}:Edge"] = rig.Edges[i].Options.Name;
            settings[$"Collect:AccessLogs:{i}:Path"] = rig.Edges[i].AccessLog;
        }

        var app = RoleHost.Build(role, RoleHost.ReadConfiguration(overrides: settings));
        await app.StartAsync();
        return app;
    }
}
