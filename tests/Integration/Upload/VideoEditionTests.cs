using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Media;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using EventStream.Upload.Library;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>A video that is made again, of its own file or of another one, and encoding that is cancelled.</summary>
public sealed class VideoEditionTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly SourceInfo Source = new(30, 426, 240, 24, "h264", null, 0, 5);
    private static readonly Rung P240 = new("240p", 426, 240, 400_000);
    private TestBroker broker = null!;
    private UploadHarness upload = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        upload = await UploadHarness.StartAsync(broker.Bootstrap);
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Another_file_takes_the_place_of_the_video_when_it_is_published()
    {
        var id = await PublishedAsync();
        var cues = "WEBVTT\n\n00:01.000 --> 00:02.000\nHallo\n"u8.ToArray();
        using (var set = await upload.SendAsync("PUT", $"/v1/videos/{id}/captions/de", [], cues))
            Assert.Equal(HttpStatusCode.OK, set.StatusCode);
        var captions = upload.MediaKeys().Where(key => key.StartsWith("captions/", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(captions);
        var edition = await UploadAsync("other", ("replaces", id));
        var waiting = await upload.JsonAsync($"/v1/videos/{id}");
        Assert.Equal(
            ("published", edition, null),
            (Text(waiting, "status"), Text(waiting, "nextEdition"), Text(waiting, "edition"))
        );

        await EncodeAsync(edition);
        var replaced = await UntilAsync(id, "edition", edition);
        Assert.Equal((Hex("other"u8.ToArray()), null), (Text(replaced, "sha256"), Text(replaced, "nextEdition")));
        Assert.Equal($"media/{edition}/240p", Text(replaced.GetProperty("renditions")[0], "prefix"));
        Assert.Equal("Film", Text(replaced, "title"));
        var list = await UploadHarness.Eventually(
            () => upload.JsonAsync("/v1/videos"),
            page => page.GetProperty("videos")[0].GetProperty("sizeBytes").GetInt64() == 5
        );
        Assert.Equal(1, list.GetProperty("total").GetInt64());

        // Players that began with the former one play on; a day later it is removed, and what plays is not.
        Assert.Contains($"media/{id}/240p/1.m4s", upload.MediaKeys());
        await SweepAsync();
        Assert.Equal(
            [.. captions, $"media/{edition}/240p/1.m4s", $"sources/{edition}/source"],
            upload.MediaKeys().Where(key => key.Contains(id) || key.Contains(edition))
        );

        using var deleted = await upload.SendAsync("DELETE", $"/v1/videos/{id}", []);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        await SweepAsync();
        Assert.DoesNotContain(upload.MediaKeys(), key => !key.EndsWith("/stopped", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_video_is_encoded_again_from_its_own_file_which_stays()
    {
        var id = await PublishedAsync();
        var edition = await EncodeAgainAsync(id);
        await UntilAsync(edition, "status", "uploaded");
        await EncodeAsync(edition);
        await UntilAsync(id, "edition", edition);
        await SweepAsync();
        Assert.Equal(
            [$"media/{edition}/240p/1.m4s", $"sources/{id}/source"],
            upload.MediaKeys().Where(key => key.Contains(id) || key.Contains(edition))
        );
        var again = await EncodeAgainAsync(id);
        await EncodeAsync(again);
        await UntilAsync(id, "edition", again);
        await SweepAsync();
        await UploadHarness.Eventually(
            () => Task.FromResult(upload.MediaKeys()),
            keys => !keys.Any(key => key.StartsWith($"media/{edition}", StringComparison.Ordinal))
        );
        Assert.Contains($"sources/{id}/source", upload.MediaKeys());
        Assert.Contains($"media/{again}/240p/1.m4s", upload.MediaKeys());
    }

    [Fact]
    public async Task What_is_encoded_can_be_cancelled_and_begun_again()
    {
        var id = await UploadAsync("hello", ("title", "Film"));
        using (var cancelled = await upload.SendAsync("POST", $"/v1/videos/{id}/cancel", []))
            Assert.Equal(HttpStatusCode.NoContent, cancelled.StatusCode);
        Assert.Equal("cancelled", Text(await upload.JsonAsync($"/v1/videos/{id}"), "status"));
        Assert.Contains(EncodeStop.KeyOf(VideoId.Parse(id)), upload.MediaKeys());
        await EncodeAsync(id);

        var edition = await EncodeAgainAsync(id);
        using (var cancelled = await upload.SendAsync("POST", $"/v1/videos/{id}/cancel", []))
            Assert.Equal(HttpStatusCode.NoContent, cancelled.StatusCode);
        await SweepAsync();
        using var gone = await upload.SendAsync("GET", $"/v1/videos/{edition}", []);
        Assert.Equal(HttpStatusCode.Gone, gone.StatusCode);
        var last = await EncodeAgainAsync(id);
        await EncodeAsync(last);
        Assert.Equal("published", Text(await UntilAsync(id, "edition", last), "status"));
    }

    [Fact]
    public async Task A_publisher_replaces_its_own_videos_only_and_an_edition_is_changed_with_its_video()
    {
        var id = await PublishedAsync();
        using (var theirs = await CreateAsync("other", TestKeys.OtherPublisher, ("replaces", id)))
            await theirs.ProblemAsync(404);
        using (var none = await CreateAsync("other", TestKeys.Publisher, ("replaces", "x")))
            Assert.Contains("'replaces'", await none.ProblemAsync(400), StringComparison.Ordinal);
        using (var theirs = await upload.SendAsync("POST", $"/v1/videos/{id}/encode", [], key: TestKeys.OtherPublisher))
            await theirs.ProblemAsync(404);
        var edition = await EncodeAgainAsync(id);
        using (var changed = await upload.SendAsync("DELETE", $"/v1/videos/{edition}", []))
            await changed.ProblemAsync(404);
        using (var deleted = await upload.SendAsync("DELETE", $"/v1/videos/{id}", []))
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using (var late = await CreateAsync("other", TestKeys.Publisher, ("replaces", id)))
            await late.ProblemAsync(410);
    }

    private async Task<string> PublishedAsync()
    {
        var id = await UploadAsync("hello", ("title", "Film"));
        await EncodeAsync(id);
        await UntilAsync(id, "status", "published");
        return id;
    }

    private async Task<string> UploadAsync(string file, params (string, string)[] metadata)
    {
        using var created = await CreateAsync(file, UploadHarness.Key, metadata);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        return created.Header("X-Video-Id");
    }

    private Task<HttpResponseMessage> CreateAsync(string file, string key, params (string, string)[] metadata) =>
        upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", $"{file.Length}"), ("Upload-Metadata", Metadata(metadata))],
            System.Text.Encoding.UTF8.GetBytes(file),
            key
        );

    private async Task<string> EncodeAgainAsync(string id)
    {
        using var accepted = await upload.SendAsync("POST", $"/v1/videos/{id}/encode", []);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        return Text(await accepted.Content.ReadFromJsonAsync<JsonElement>(), "edition")!;
    }

    /// <summary>What planner and workers do of a video, in short.</summary>
    private async Task EncodeAsync(string video)
    {
        var id = VideoId.Parse(video);
        var rendition = new Rendition(
            "240p",
            Rendition.Video,
            $"media/{id}/240p",
            "avc1.64001f",
            426,
            240,
            24,
            1,
            1,
            [2],
            10
        );
        var media = upload.Services.GetRequiredService<IMediaStore>();
        if (await media.StatAsync(EncodeStop.KeyOf(id), default) is null)
            await media.WriteAsync($"{rendition.Prefix}/1.m4s", new MemoryStream([1]), default);
        foreach (
            var report in (IEvent[])
                [
                    new SourceProbed(id, Source, "w1", Now),
                    new EncodePlanned(id, [P240], "240p", 2, ["240p", "thumbnails"], Now),
                    new RenditionEncoded(id, rendition, "w1", 1, Now),
                    new ThumbnailsMade(id, new("t/poster.jpg", "t/s.jpg", "t/s.vtt"), "w1", Now),
                ]
        )
            await upload
                .Services.GetRequiredService<IEventPublisher>()
                .PublishAsync(Topics.EncodeEvents, id.ToString(), report, Now, default);
    }

    /// <summary>Everything that is to be removed some time is removed now.</summary>
    private async Task SweepAsync()
    {
        await using var due = upload
            .Services.GetRequiredService<NpgsqlDataSource>()
            .CreateCommand("update video_removals set due_at = now() - interval '1 second', passes = 4");
        await due.ExecuteNonQueryAsync();
        await upload.Services.GetRequiredService<VideoRemoval>().SweepAsync(default);
    }

    private Task<JsonElement> UntilAsync(string id, string name, string value) =>
        UploadHarness.Eventually(() => upload.JsonAsync($"/v1/videos/{id}"), video => Text(video, name) == value);

    private static string? Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) ? value.GetString() : null;
}
