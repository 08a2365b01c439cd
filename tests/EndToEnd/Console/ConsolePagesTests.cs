using System.Net.Http.Json;
using System.Text.Json;
using EventStream.Cli.Supervisor;
using EventStream.Tests.Kit;
using Microsoft.Playwright;

namespace EventStream.EndToEnd.Tests.Console;

public sealed class ConsolePagesTests(ConsolePlatform platform) : IClassFixture<ConsolePlatform>
{
    /// <summary>Patience for what the machine has to compute, in milliseconds.</summary>
    private const float Patience = 90_000;

    [Fact]
    public async Task A_video_goes_from_the_upload_page_to_both_players()
    {
        var id = await UploadAsync();
        await FollowInLibraryAsync(id);
        await WatchAsync(id, "hls");
        await WatchAsync(id, "dash");
        await WatchAsViewerAsync(id);
        await SeeInOperationsAsync();
    }

    [Theory]
    [InlineData("/", "Video in, viewers served, quality known, capacity decided")]
    [InlineData("/upload", "Upload a video")]
    [InlineData("/library", "Library")]
    [InlineData("/operations", "Operations")]
    [InlineData("/data", "Data")]
    public async Task Every_page_has_its_heading_and_no_error_in_the_browsers_console(string path, string heading)
    {
        var (page, errors) = await platform.OpenAsync(path);

        Assert.Equal(heading, await page.Locator("h1").InnerTextAsync());
        Assert.Equal("en", await page.Locator("html").GetAttributeAsync("lang"));
        var unlabelled = await page.EvaluateAsync<int>(
            "() => [...document.querySelectorAll('input, textarea')].filter(field => field.labels.length === "
                + "0).length"
        );
        Assert.Equal(0, unlabelled);
        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task The_data_page_answers_a_query_and_refuses_to_write()
    {
        var (page, errors) = await platform.OpenAsync("/data");

        await page.FillAsync("#sql", "SELECT number * 2 AS twice FROM numbers(3)");
        await page.ClickAsync("#run");
        await page.WaitForSelectorAsync("#rows", new() { Timeout = Patience });
        Assert.Equal(["0", "2", "4"], await page.Locator("#rows tbody td").AllInnerTextsAsync());

        await page.FillAsync("#sql", "CREATE TABLE es.mine (x UInt8) ENGINE = Memory");
        await page.ClickAsync("#run");
        await page.WaitForSelectorAsync("#note.bad", new() { Timeout = Patience });
        Assert.Contains("ClickHouse refuses", await page.InnerTextAsync("#note"));
        // The rows of the query before are no answer to this one.
        Assert.Equal(0, await page.Locator("#rows").CountAsync());
        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task An_unknown_video_is_said_to_be_unknown()
    {
        var (page, errors) = await platform.OpenAsync("/watch/01a00000-0000-7000-8000-000000000000");

        await page.WaitForSelectorAsync("#note.bad", new() { Timeout = Patience });

        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task The_supervisor_starts_and_stops_worker_processes()
    {
        using var http = TestKeys.Client(platform.OperatorKey);
        var supervisor = platform.Ports.Url("supervisor");

        await ScaleAsync(http, supervisor, 2);
        var second = await UntilAsync(
            http,
            supervisor,
            all => all.Any(p => p is { Name: "encode-worker-2", State: "ready" })
        );
        var pid = second.First(p => p.Name == "encode-worker-2").Pid;
        Assert.True(Directory.Exists($"/proc/{pid}"));
        Assert.True(second.First(p => p.Name == "encode-worker-2").RssBytes > 0);

        await ScaleAsync(http, supervisor, 1);
        await UntilAsync(http, supervisor, all => all.All(p => p.Name != "encode-worker-2"));
        Assert.False(Directory.Exists($"/proc/{pid}"));
    }

    [Fact]
    public async Task A_part_that_is_killed_is_started_again()
    {
        using var http = TestKeys.Client(platform.OperatorKey);
        var supervisor = platform.Ports.Url("supervisor");
        var before = await UntilAsync(http, supervisor, all => all.Any(p => p is { Name: "edge-b", State: "ready" }));

        System.Diagnostics.Process.GetProcessById(before.First(p => p.Name == "edge-b").Pid!.Value).Kill();

        var after = await UntilAsync(
            http,
            supervisor,
            all => all.Any(p => p is { Name: "edge-b", State: "ready", Restarts: > 0 })
        );
        Assert.NotEqual(before.First(p => p.Name == "edge-b").Pid, after.First(p => p.Name == "edge-b").Pid);
    }

    /// <summary>The connection is cut at the first chunk; after a reload the same file goes on.</summary>
    private async Task<string> UploadAsync()
    {
        var (page, _) = await platform.OpenAsync("/upload", platform.PublisherKey);
        await page.RouteAsync("**/api/uploads/**", route => route.AbortAsync());
        await ChooseAsync(page);
        await page.ClickAsync("#start");
        await page.WaitForFunctionAsync(
            "() => Object.keys(localStorage).some(key => key.startsWith('tus::'))",
            null,
            new() { Timeout = Patience }
        );
        // The line stays cut until the page is new: its own retry would else send the whole of this small file.
        await page.ReloadAsync();
        await page.UnrouteAsync("**/api/uploads/**");

        await ChooseAsync(page);
        await page.WaitForFunctionAsync("() => document.querySelector('#start').textContent === 'Resume'");
        await page.ClickAsync("#start");
        await page.WaitForFunctionAsync("() => window.__uploaded", null, new() { Timeout = Patience });
        Assert.Equal("100", await page.InnerTextAsync("#percent"));
        var id = await page.EvaluateAsync<string>("() => window.__uploaded");
        await page.Context.CloseAsync();
        return id;
    }

    private async Task ChooseAsync(IPage page)
    {
        await page.SetInputFilesAsync("#file", platform.SourceFile);
        await page.WaitForFunctionAsync("() => document.querySelector('#title').value === 'sample'");
    }

    private async Task FollowInLibraryAsync(string id)
    {
        var (page, errors) = await platform.OpenAsync($"/library#{id}");
        var video = page.Locator($"[data-video='{id}']");
        await video.Locator("a", new() { HasText = "Watch" }).WaitForAsync(new() { Timeout = Patience });
        await video.Locator("li", new() { HasText = "playable" }).WaitForAsync(new() { Timeout = Patience });
        var events = await video.Locator("li strong").AllInnerTextsAsync();
        Assert.Equal(["registered", "uploaded", "probed", "encode planned"], events.Take(4));
        Assert.NotEmpty(await video.Locator(".bar.done").AllAsync());
        // The measurement goes on after the video is published; it is a fact of its own and no part of the encoding.
        await video.Locator("p", new() { HasText = "Quality: SSIM" }).WaitForAsync(new() { Timeout = Patience });
        Assert.Equal("published", await video.Locator("summary .state").InnerTextAsync());
        Assert.Equal(0, await video.Locator("[aria-label=quality]").CountAsync());
        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    private async Task WatchAsync(string id, string player)
    {
        var (page, errors) = await platform.OpenAsync($"/watch/{id}?player={player}&region=eu");
        await page.WaitForFunctionAsync(
            "() => window.__qoe.positionS > 5 || window.__qoe.error",
            null,
            new() { Timeout = Patience }
        );
        await page.WaitForFunctionAsync(
            "() => window.__platform?.quality?.startupMs",
            null,
            new() { Timeout = Patience }
        );
        var own = await page.EvaluateAsync<JsonElement>("() => window.__qoe");
        var said = await page.EvaluateAsync<JsonElement>("() => window.__platform");

        Assert.Equal(JsonValueKind.Null, own.GetProperty("error").ValueKind);
        Assert.Equal("edge-a", own.GetProperty("edge").GetString());
        Assert.Equal("edge-a", said.GetProperty("subject").GetProperty("edge").GetString());
        Assert.Equal(own.GetProperty("sessionId").GetString(), said.GetProperty("sessionId").GetString());
        var startup = own.GetProperty("startupMs").GetDouble();
        Assert.InRange(
            said.GetProperty("quality").GetProperty("startupMs").GetDouble(),
            startup - 1500,
            startup + 1500
        );
        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    /// <summary>To the end, without a key.</summary>
    private async Task WatchAsViewerAsync(string id)
    {
        var (page, errors) = await platform.OpenAsync($"/watch/{id}?player=hls", key: null);
        await page.WaitForFunctionAsync(
            "() => window.__qoe.state === 'ended' || window.__qoe.error",
            null,
            new() { Timeout = Patience }
        );
        Assert.Equal("ended", await page.EvaluateAsync<string>("() => window.__qoe.state"));
        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    private async Task SeeInOperationsAsync()
    {
        var (page, errors) = await platform.OpenAsync("/operations");
        await page.WaitForFunctionAsync(
            "() => document.querySelectorAll('#t-sessions tbody tr').length >= 2",
            null,
            new() { Timeout = Patience }
        );
        await page.WaitForFunctionAsync("() => document.querySelectorAll('#t-edges tbody tr').length === 2");
        await page.WaitForFunctionAsync(
            "() => /^[0-9]+$/.test(document.querySelector('#f-viewers').textContent)",
            null,
            new() { Timeout = Patience }
        );
        Assert.Contains("edge-a", await page.InnerTextAsync("#t-edges"));
        Assert.Matches("waiting: [0-9]+ s of first rungs, [0-9]+ s of the rest", await page.InnerTextAsync("#f-lanes"));
        await page.WaitForFunctionAsync(
            "() => document.querySelector('#t-processes').textContent.includes('analytics')",
            null,
            new() { Timeout = Patience }
        );
        await page.WaitForFunctionAsync(
            "() => /viewers.*[0-9]+ %/s.test(document.querySelector('#t-weights tbody tr')?.textContent)",
            null,
            new() { Timeout = Patience }
        );
        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    private static async Task ScaleAsync(HttpClient http, string supervisor, int replicas)
    {
        using var answer = await http.PutAsJsonAsync(
            $"{supervisor}/v1/scale/encode-workers",
            new { replicas, reason = "a test asks for it" }
        );
        answer.EnsureSuccessStatusCode();
        Assert.Equal(replicas, (await answer.Content.ReadFromJsonAsync<ScaleStatus>())!.Replicas);
    }

    private static async Task<List<ProcessStatus>> UntilAsync(
        HttpClient http,
        string supervisor,
        Func<List<ProcessStatus>, bool> holds
    )
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(Patience));
        while (true)
        {
            var all = await http.GetFromJsonAsync<List<ProcessStatus>>($"{supervisor}/v1/processes", timeout.Token);
            if (holds(all!))
                return all!;
            await Task.Delay(100, timeout.Token);
        }
    }
}
