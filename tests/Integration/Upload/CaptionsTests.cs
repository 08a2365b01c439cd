using System.Net;
using System.Text;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Tests.Kit;
using EventStream.Upload;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Integration.Tests.Upload;

/// <summary>A publisher adds, replaces and removes the captions of its video.</summary>
public sealed class CaptionsTests : IAsyncLifetime
{
    private const string Vtt = "WEBVTT\n\n00:01.000 --> 00:02.000 align:start\nGuten Tag\n";
    private const string SubRip = "\uFEFF1\r\n00:00:01,000 --> 00:00:02,500\r\nServus\r\n\r\n";
    private TestBroker broker = null!;
    private UploadHarness upload = null!;
    private VideoId id;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        upload = await UploadHarness.StartAsync(broker.Bootstrap);
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5")],
            "hello"u8.ToArray()
        );
        id = VideoId.Parse(created.Headers.GetValues("X-Video-Id").Single());
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Captions_are_added_replaced_and_removed()
    {
        await ProbeAsync();
        var first = await SetAsync("de", Vtt);
        Assert.Equal(("Deutsch", "de", false), Of(first));
        var old = Track(first);
        Assert.Contains(
            "00:00:01.000 --> 00:00:02.000 align:start\nGuten Tag\n",
            await File.ReadAllTextAsync(PathOf(old, "all.vtt")),
            StringComparison.Ordinal
        );
        await SetAsync("eng", Vtt, "?role=captions&name=English%20CC");

        var second = await SetAsync("de", SubRip);
        Assert.NotEqual(old, Track(second));
        Assert.False(File.Exists(PathOf(old, "all.vtt")));
        Assert.Contains(
            "Servus",
            await File.ReadAllTextAsync(PathOf(Track(second), "1.vtt")),
            StringComparison.Ordinal
        );
        Assert.Equal(["en captions", "de"], await ListAsync());

        using var removed = await upload.SendAsync("DELETE", $"/v1/videos/{id}/captions/de", []);
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        Assert.False(File.Exists(PathOf(Track(second), "all.vtt")));
        using var again = await upload.SendAsync("DELETE", $"/v1/videos/{id}/captions/de", []);
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
        Assert.Equal(["en captions"], await ListAsync());
        var events = (await upload.JsonAsync($"/v1/videos/{id}/events")).GetProperty("events").EnumerateArray();
        Assert.Equal(
            ["video.captions-set.v1", "video.captions-set.v1", "video.captions-set.v1", "video.captions-removed.v1"],
            events.Select(e => e.GetProperty("type").GetString()).Where(type => type!.Contains("captions"))
        );
    }

    [Theory]
    [InlineData("deutsch", Vtt, "is no language tag")]
    [InlineData("de?role=loud", Vtt, "'role' must be one of")]
    [InlineData("de?name=a%22b", Vtt, "'name' must be")]
    [InlineData("de", "Dear viewer", "holds no cue")]
    [InlineData("de", "WEBVTT\n\n00:50.000 --> 00:51.000\nLate\n", "after the end of the video, which lasts 30 s")]
    public async Task What_is_no_caption_is_refused_in_words(string path, string text, string words)
    {
        await ProbeAsync();
        var (status, answer) = await PutAsync(path, Encoding.UTF8.GetBytes(text));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(words, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Captions_need_a_video_of_ones_own_that_was_read_and_a_bounded_text_in_UTF_8()
    {
        Assert.Equal(HttpStatusCode.Conflict, (await PutAsync("de", Encoding.UTF8.GetBytes(Vtt))).Status);
        await ProbeAsync();
        Assert.Contains("UTF-8", (await PutAsync("de", [0x57, 0xFF])).Answer, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await PutAsync("de", new byte[4_194_305])).Status);
        var (status, _) = await PutAsync("de", Encoding.UTF8.GetBytes(Vtt), TestKeys.OtherPublisher);
        Assert.Equal(HttpStatusCode.NotFound, status);
    }

    private static (string?, string?, bool) Of(JsonElement caption) =>
        (
            caption.GetProperty("name").GetString(),
            caption.GetProperty("language").GetString(),
            caption.GetProperty("fromFile").GetBoolean()
        );

    private static string Track(JsonElement caption) => caption.GetProperty("track").GetString()!;

    private string PathOf(string track, string file) => Path.Combine(upload.MediaRoot, $"captions/{id}/{track}/{file}");

    /// <summary>The source is read: 30 s.</summary>
    private Task ProbeAsync()
    {
        var source = new SourceInfo(30, 640, 360, 25, "h264", null, 0, 5, 0);
        var videos = upload.Services.GetRequiredService<Decider<Video>>();
        return videos.DecideAsync(
            id.Value,
            video => video.RecordProbe(source, TimeProvider.System.GetUtcNow()),
            EventMetadata.Current("worker"),
            CancellationToken.None
        );
    }

    private async Task<JsonElement> SetAsync(string language, string text, string query = "")
    {
        var (status, answer) = await PutAsync($"{language}{query}", Encoding.UTF8.GetBytes(text));
        Assert.True(status == HttpStatusCode.OK, answer);
        return JsonDocument.Parse(answer).RootElement;
    }

    private async Task<(HttpStatusCode Status, string Answer)> PutAsync(
        string path,
        byte[] body,
        string key = UploadHarness.Key
    )
    {
        using var answer = await upload.SendAsync("PUT", $"/v1/videos/{id}/captions/{path}", [], body, key);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<IEnumerable<string>> ListAsync() =>
        (await upload.JsonAsync($"/v1/videos/{id}/captions"))
            .GetProperty("captions")
            .EnumerateArray()
            .Select(one => $"{one.GetProperty("language").GetString()} {RoleOf(one)}".Trim());

    private static string RoleOf(JsonElement caption) =>
        caption.TryGetProperty("role", out var role) ? role.GetString() ?? "" : "";
}
