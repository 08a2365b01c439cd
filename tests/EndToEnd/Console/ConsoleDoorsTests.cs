using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using EventStream.Cli.Supervisor;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;

namespace EventStream.EndToEnd.Tests.Console;

/// <summary>Who gets through which door of a running platform.</summary>
public sealed class ConsoleDoorsTests(ConsolePlatform platform) : IClassFixture<ConsolePlatform>
{
    private const float Patience = 90_000;

    [Fact]
    public async Task Nobody_else_of_this_machine_can_list_or_read_the_data_folder()
    {
        // Links have no rights of their own; what they point to is in the folder as well.
        var (_, output, _) = await Command.RunAsync(
            TimeSpan.FromSeconds(60),
            "find",
            [platform.Data.Root, "-perm", "/007", "!", "-type", "l", "-printf", "%M %P\n"]
        );

        var open = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal);
        Assert.All(open, line => Assert.StartsWith("drwx--x--x ", line));
        Assert.All(
            open.Select(line => line.Split(' ', 2)[1]),
            path => Assert.Matches("^(|edges|edges/edge-[ab]|edges/edge-[ab]/tmp)$", path)
        );
    }

    [Fact]
    public async Task A_page_of_another_origin_stops_no_edge_with_or_without_the_operators_session()
    {
        var (page, _) = await platform.OpenAsync("/operations");
        await using var elsewhere = await ElsewhereAsync();
        using var http = TestKeys.Client(platform.OperatorKey);
        var before = await StateAsync(http);
        await page.GotoAsync(elsewhere.Urls.First());
        foreach (
            var url in (string[])
                [
                    $"{platform.Ports.Url("supervisor")}/v1/edges/edge-b/stop",
                    platform.Url("/api/uploads"),
                    platform.Url("/api/session"),
                ]
        )
        {
            // What any web page can send: a POST without preflight, with what cookies the browser adds. To the browser
            // this page is of the console's site, so that SameSite does not keep the cookie back.
            await page.EvaluateAsync(
                "url => fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', "
                    + "body: '{\"reason\":\"x\",\"key\":\"x\"}' }).catch(() => {})",
                url
            );
        }

        Assert.Equal(before, await StateAsync(http));
        await page.GotoAsync(platform.Url("/library"));
        Assert.Equal("operator", await page.InnerTextAsync("#who"));
        await page.Context.CloseAsync();
    }

    [Theory]
    [InlineData("POST", "/v1/edges/edge-b/stop")]
    [InlineData("PUT", "/v1/scale/encode-workers")]
    [InlineData("GET", "/v1/processes")]
    public async Task The_supervisor_answers_operators_only(string method, string path)
    {
        foreach (
            var (key, status) in ((string?, HttpStatusCode)[])
                [(null, HttpStatusCode.Unauthorized), (platform.PublisherKey, HttpStatusCode.Forbidden)]
        )
        {
            using var http = key is null ? new HttpClient() : TestKeys.Client(key);
            using var request = new HttpRequestMessage(new HttpMethod(method), platform.Ports.Url("supervisor") + path);
            if (method != "GET")
                request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
            using var answer = await http.SendAsync(request);
            Assert.Equal(status, answer.StatusCode);
        }
    }

    [Fact]
    public async Task What_an_operator_does_by_hand_needs_a_reason_and_is_seen_with_who_and_why()
    {
        using var http = TestKeys.Client(platform.OperatorKey, platform.Ports.Url("supervisor"));
        using var without = await http.PostAsJsonAsync("/v1/edges/edge-b/stop", new { });
        Assert.Equal(HttpStatusCode.BadRequest, without.StatusCode);
        Assert.Contains("A reason is needed", await without.Content.ReadAsStringAsync());

        var reason = $"the disk of edge-b is replaced {Guid.NewGuid():N}";
        using var stopped = await http.PostAsJsonAsync("/v1/edges/edge-b/stop", new { reason });
        stopped.EnsureSuccessStatusCode();
        using var started = await http.PostAsJsonAsync("/v1/edges/edge-b/start", new { reason });
        started.EnsureSuccessStatusCode();

        var (page, errors) = await platform.OpenAsync("/operations");
        await page.WaitForFunctionAsync(
            "reason => [...document.querySelectorAll('#t-actions tbody tr')].filter(row => "
                + "row.textContent.includes(reason)).length === 2",
            reason,
            new() { Timeout = Patience }
        );
        var rows = await page.Locator("#t-actions tbody tr").AllInnerTextsAsync();
        Assert.Contains(rows, row => row.Contains("operator") && row.Contains("edge.stop edge-b"));
        Assert.Contains(rows, row => row.Contains("edge.start edge-b") && row.Contains("the edge is ready"));
        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task A_stranger_is_led_to_the_sign_in_page_and_from_there_to_where_it_wanted()
    {
        var (page, errors) = await platform.OpenAsync("/library?x=1", key: null);
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("/sign-in\\?next="));
        await page.FillAsync("#key", "not a key");
        await page.ClickAsync("#sign-in");
        await page.WaitForSelectorAsync("#note.bad");
        Assert.Contains("This key is not known", await page.InnerTextAsync("#note"));

        await page.FillAsync("#key", platform.PublisherKey);
        await page.ClickAsync("#sign-in");
        await page.WaitForSelectorAsync("#who");
        Assert.Equal(platform.Url("/library?x=1"), page.Url);
        Assert.Equal("studio, publisher", await page.InnerTextAsync("#who"));
        Assert.False(await page.Locator("nav.site a[href='/data']").IsVisibleAsync());
        var kept = await page.EvaluateAsync<string>(
            "() => JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }) + document.cookie"
        );
        Assert.Equal("{}{}", kept);

        await page.ClickAsync("#sign-out");
        await Assertions.Expect(page).ToHaveURLAsync(platform.Url("/sign-in"));
        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task The_library_shows_how_many_videos_there_are_and_brings_them_all()
    {
        const int videos = 61;
        using var http = TestKeys.Client(platform.PublisherKey);
        for (var i = 0; i < videos; i++)
            await UploadAsync(http);

        var (page, errors) = await platform.OpenAsync("/library", platform.PublisherKey);
        await page.WaitForSelectorAsync("#videos details");
        Assert.Equal(50, await page.Locator("#videos details").CountAsync());
        Assert.StartsWith($"50 of {videos} videos", await page.InnerTextAsync("#count"));

        await page.ClickAsync("#more");
        await page.WaitForFunctionAsync(
            "count => document.querySelectorAll('#videos details').length === count",
            videos,
            new() { Timeout = Patience }
        );
        Assert.StartsWith($"{videos} of {videos} videos", await page.InnerTextAsync("#count"));
        Assert.False(await page.Locator("#more").IsVisibleAsync());
        await page.GotoAsync(platform.Url("/"));
        await page.WaitForFunctionAsync(
            "count => document.querySelector('#videos').textContent === String(count)",
            videos,
            new() { Timeout = Patience }
        );
        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    [Fact]
    public async Task A_publisher_names_finds_and_deletes_a_video_in_the_library()
    {
        using var http = TestKeys.Client(platform.PublisherKey);
        var id = await UploadAsync(http);
        var (page, errors) = await platform.OpenAsync($"/library#{id}", platform.PublisherKey);
        var video = page.Locator($"[data-video='{id}']");
        await video.GetByLabel("Title").FillAsync("Sintel <b>");
        await video.GetByLabel("Tags").FillAsync("open movie,, short ");
        await video.GetByText("Save").ClickAsync();
        await Assertions
            .Expect(video.Locator("summary"))
            .ToContainTextAsync("Sintel <b>", new() { Timeout = Patience });

        await video.GetByText("open movie", new() { Exact = true }).ClickAsync();
        await Assertions.Expect(page.Locator("#videos details")).ToHaveCountAsync(1, new() { Timeout = Patience });
        await page.FillAsync("#q", "no such title");
        await Assertions.Expect(page.Locator("#videos")).ToHaveTextAsync("No video is like that.");
        await page.FillAsync("#q", "sINTEL");
        await Assertions.Expect(video.Locator("summary")).ToContainTextAsync("short");

        await video.GetByText("Delete", new() { Exact = true }).ClickAsync();
        await page.GetByText("Keep it").ClickAsync();
        await Assertions.Expect(video).ToBeVisibleAsync();
        await video.GetByText("Delete", new() { Exact = true }).ClickAsync();
        await page.ClickAsync("#ask-yes");
        await Assertions.Expect(video).ToHaveCountAsync(0, new() { Timeout = Patience });
        using var gone = await http.GetAsync($"{platform.Ports.Url("upload")}/v1/videos/{id}");
        Assert.Equal(HttpStatusCode.Gone, gone.StatusCode);
        Assert.Empty(errors);
        await page.Context.CloseAsync();
    }

    /// <summary>Five bytes that are no video: in the library they are one all the same.</summary>
    private async Task<string> UploadAsync(HttpClient http)
    {
        using var create = new HttpRequestMessage(HttpMethod.Post, platform.Ports.Url("upload") + "/v1/uploads");
        create.Headers.Add("Tus-Resumable", "1.0.0");
        create.Headers.Add("Upload-Length", "5");
        create.Headers.Add("Upload-Metadata", $"filename {Convert.ToBase64String("five.mp4"u8)}");
        using var created = await http.SendAsync(create);
        created.EnsureSuccessStatusCode();
        using var send = new HttpRequestMessage(
            HttpMethod.Patch,
            new Uri(create.RequestUri!, created.Headers.Location!)
        );
        send.Headers.Add("Tus-Resumable", "1.0.0");
        send.Headers.Add("Upload-Offset", "0");
        send.Content = new ByteArrayContent("12345"u8.ToArray());
        send.Content.Headers.ContentType = new("application/offset+octet-stream");
        using var sent = await http.SendAsync(send);
        sent.EnsureSuccessStatusCode();
        return sent.Headers.GetValues("X-Video-Id").Single();
    }

    private async Task<List<ProcessStatus>> ProcessesAsync(HttpClient http) =>
        (await http.GetFromJsonAsync<List<ProcessStatus>>($"{platform.Ports.Url("supervisor")}/v1/processes"))!;

    /// <summary>The edge's process, which a stop ends, and the videos there are.</summary>
    private async Task<(string State, int? Pid, long Videos)> StateAsync(HttpClient http)
    {
        var edge = (await ProcessesAsync(http)).Single(process => process.Name == "edge-b");
        var videos = await http.GetFromJsonAsync<JsonElement>(platform.Url("/api/videos?limit=1"));
        return (edge.State, edge.Pid, videos.GetProperty("total").GetInt64());
    }

    /// <summary>A web page that has nothing to do with the platform.</summary>
    private static async Task<WebApplication> ElsewhereAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapGet("/", () => Results.Content("<!doctype html><title>elsewhere</title>", "text/html"));
        await app.StartAsync();
        return app;
    }
}
