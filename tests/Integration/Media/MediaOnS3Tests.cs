using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Integration.Tests.Encode;
using EventStream.Integration.Tests.Upload;
using EventStream.Media;
using EventStream.Playback;
using EventStream.Tests.Kit;
using EventStream.Upload.Library;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Integration.Tests.Media;

/// <summary>A video's whole way with S3 as the store: uploaded by tus in pieces, encoded by ffmpeg, played.</summary>
public sealed class MediaOnS3Tests
{
    [Fact]
    public async Task A_video_is_uploaded_encoded_and_played_from_S3_and_made_again_and_deleted()
    {
        await using var s3 = await S3Server.StartAsync();
        await using var stage = await EncodeStage.StartAsync();
        foreach (var (key, value) in s3.Settings)
            stage.Settings[key] = value;
        await using var upload = await UploadHarness.StartAsync(
            stage.Broker.Bootstrap,
            s3.Settings.ToDictionary(pair => pair.Key, string? (pair) => pair.Value)
        );
        await stage.PlannerAsync();
        await stage.WorkerAsync("w1");
        var id = await UploadInPiecesAsync(
            upload,
            await File.ReadAllBytesAsync(
                stage.Rig.PathOf(
                    stage.Rig.Clip(
                        "film.mp4",
                        "-f lavfi -i testsrc2=size=426x240:rate=25:duration=2 -f lavfi -i sine=duration=2 "
                            + "-c:v libx264 -preset ultrafast -c:a aac"
                    )
                )
            )
        );
        await UploadHarness.Eventually(
            () => upload.JsonAsync($"/v1/videos/{id}"),
            video => video.GetProperty("status").GetString() == "published"
        );
        Assert.Empty(Directory.EnumerateFiles(upload.MediaRoot, "*", SearchOption.AllDirectories));

        await using var playback = await StartPlaybackAsync(stage.Broker.Bootstrap, s3);
        using var http = new HttpClient();
        var prefix = await OpenSessionAsync(http, playback.Urls.Single(), id);
        var rung = await ReadAsync(http, $"{playback.Urls.Single()}/media/{id}/240p/media.m3u8", prefix);
        Assert.Contains("#EXT-X-MAP", await rung.Content.ReadAsStringAsync());
        var segment = await ReadAsync(http, $"{playback.Urls.Single()}/media/{id}/240p/1.m4s", prefix);
        var whole = await segment.Content.ReadAsByteArrayAsync();
        var part = await ReadAsync(http, $"{playback.Urls.Single()}/media/{id}/240p/1.m4s", prefix, (10, 19));
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal(whole[10..20], await part.Content.ReadAsByteArrayAsync());

        var folder = $"{playback.Urls.Single()}/media/{id}";
        var edition = await EncodeAgainAsync(upload, id);
        var rungs = await UploadHarness.Eventually(
            async () =>
                Rungs(await (await ReadAsync(http, $"{folder}/master.m3u8", prefix)).Content.ReadAsStringAsync()),
            found => found.All(name => name.StartsWith("240p-", StringComparison.Ordinal))
        );
        Assert.NotEmpty(await SegmentAsync(Assert.Single(rungs)));
        Assert.Equal(whole, await SegmentAsync("240p"));

        using var deleted = await upload.SendAsync("DELETE", $"/v1/videos/{id}", []);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        await UploadHarness.Eventually(
            async () =>
            {
                await upload.Services.GetRequiredService<VideoRemoval>().SweepAsync(default);
                return await KeysAsync(upload, id) + await KeysAsync(upload, edition);
            },
            keys => keys == 0
        );
        using var gone = await AskAsync(http, $"{folder}/master.m3u8", prefix);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);

        async Task<byte[]> SegmentAsync(string name) =>
            await (await ReadAsync(http, $"{folder}/{name}/1.m4s", prefix)).Content.ReadAsByteArrayAsync();
    }

    private static async Task<VideoId> EncodeAgainAsync(UploadHarness upload, VideoId id)
    {
        using var accepted = await upload.SendAsync("POST", $"/v1/videos/{id}/encode", []);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        var edition = await accepted.Content.ReadFromJsonAsync<JsonElement>();
        return VideoId.Parse(edition.GetProperty("edition").GetString()!);
    }

    /// <summary>The names of the rungs of a multivariant playlist, each once.</summary>
    private static List<string> Rungs(string playlist) =>
        [
            .. playlist
                .Split('\n')
                .Where(line => line.EndsWith("/media.m3u8", StringComparison.Ordinal) && line[0] != '#')
                .Select(line => line.Split('/')[^2])
                .Distinct(),
        ];

    /// <summary>How many files there are of a video, its source among them.</summary>
    private static async Task<int> KeysAsync(UploadHarness upload, VideoId id)
    {
        var media = upload.Services.GetRequiredService<IMediaStore>();
        var keys = 0;
        foreach (var prefix in (string[])[$"media/{id}/", $"sources/{id}/"])
        await foreach (var _ in media.ListAsync(prefix, default))
            keys++;
        return keys;
    }

    private static async Task<VideoId> UploadInPiecesAsync(UploadHarness upload, byte[] clip)
    {
        var middle = clip.Length / 2;
        using var created = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", $"{clip.Length}")],
            clip[..middle]
        );
        using var rest = await upload.SendAsync(
            "PATCH",
            created.Headers.Location!.ToString(),
            [("Upload-Offset", $"{middle}")],
            clip[middle..]
        );
        Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);
        return VideoId.Parse(created.Headers.GetValues("X-Video-Id").Single());
    }

    private static async Task<WebApplication> StartPlaybackAsync(string bootstrap, S3Server s3)
    {
        var app = RoleHost.Build(
            new PlaybackRole(),
            RoleHost.ReadConfiguration(
                null,
                [
                    .. TestKeys.Pairs,
                    .. s3.Settings.Select(pair => KeyValuePair.Create<string, string?>(pair.Key, pair.Value)),
                    new("Kafka:Bootstrap", bootstrap),
                    new("Listen:playback", $"http://127.0.0.1:{FreePort.Next()}"),
                    new("Playback:SigningKey", EdgeRig.SigningKey),
                    new("Traffic:Edges:0:Name", "edge-a"),
                    new("Traffic:Edges:0:Url", "http://127.0.0.1:7080"),
                    new("Urls:traffic", $"http://127.0.0.1:{FreePort.Next()}"),
                ]
            )
        );
        await app.StartAsync();
        return app;
    }

    /// <summary>The signed prefix that an edge would pass on.</summary>
    private static async Task<string> OpenSessionAsync(HttpClient http, string url, VideoId id)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            using var answer = await http.PostAsync($"{url}/v1/videos/{id}/sessions", null, timeout.Token);
            if (answer.StatusCode == HttpStatusCode.Created)
            {
                var session = await answer.Content.ReadFromJsonAsync<JsonElement>(timeout.Token);
                var address = new Uri(session.GetProperty("hlsUrl").GetString()!).AbsolutePath;
                return address[..address.IndexOf("/media/", StringComparison.Ordinal)];
            }

            await Task.Delay(50, timeout.Token);
        }
    }

    private static async Task<HttpResponseMessage> ReadAsync(
        HttpClient http,
        string url,
        string prefix,
        (long First, long Last)? range = null
    )
    {
        var answer = await AskAsync(http, url, prefix, range);
        Assert.True(answer.IsSuccessStatusCode, $"{url} answered {answer.StatusCode}");
        return answer;
    }

    private static async Task<HttpResponseMessage> AskAsync(
        HttpClient http,
        string url,
        string prefix,
        (long First, long Last)? range = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Add("X-Signed-Prefix", prefix);
        if (range is { } bytes)
            request.Headers.Range = new(bytes.First, bytes.Last);
        return await http.SendAsync(request);
    }
}
