using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using EventStream.Cli.Supervisor;
using EventStream.Playback.Sessions;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests;

/// <summary>What a publisher and its viewers do on a running platform, by its APIs.</summary>
internal static class Publisher
{
    private static readonly TimeSpan MakeTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan VideoTimeout = TimeSpan.FromMinutes(4);

    /// <summary>Makes a file in the platform's data folder by ffmpeg's own words; returns its path.</summary>
    public static async Task<string> MakeAsync(PlatformProcess platform, string name, string words)
    {
        var file = Path.Combine(platform.Data.Root, name);
        var (exitCode, _, errors) = await Command.RunAsync(
            MakeTimeout,
            "ffmpeg",
            ["-v", "error", "-y", .. words.Split(' ', StringSplitOptions.RemoveEmptyEntries), file]
        );
        Assert.True(exitCode == 0, $"{name}: {errors}");
        return file;
    }

    /// <summary>Uploads by tus; returns the id of the video.</summary>
    public static async Task<string> UploadAsync(PlatformProcess platform, string file)
    {
        using var http = Client(platform);
        http.DefaultRequestHeaders.Add("Tus-Resumable", "1.0.0");
        var bytes = await File.ReadAllBytesAsync(file);
        using var create = new HttpRequestMessage(HttpMethod.Post, $"{platform.Ports.Url("upload")}/v1/uploads");
        create.Headers.Add("Upload-Length", bytes.Length.ToString(CultureInfo.InvariantCulture));
        var name = Convert.ToBase64String(Encoding.UTF8.GetBytes(Path.GetFileName(file)));
        create.Headers.Add("Upload-Metadata", $"filename {name}");
        using var created = await http.SendAsync(create);
        Assert.True(created.StatusCode == HttpStatusCode.Created, await created.Content.ReadAsStringAsync());
        var place = new Uri(create.RequestUri!, created.Headers.Location!);
        using var patch = new HttpRequestMessage(HttpMethod.Patch, place);
        patch.Headers.Add("Upload-Offset", "0");
        patch.Content = new ByteArrayContent(bytes);
        patch.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
        using var sent = await http.SendAsync(patch);
        Assert.True(sent.StatusCode == HttpStatusCode.NoContent, await sent.Content.ReadAsStringAsync());
        return created.Headers.GetValues("X-Video-Id").Single();
    }

    /// <summary>Waits until a video is published; returns what the platform says of it.</summary>
    public static async Task<JsonElement> UntilPublishedAsync(PlatformProcess platform, string video)
    {
        using var http = Client(platform);
        var details = default(JsonElement);
        await Wait.UntilAsync(
            $"video {video} is published",
            async () =>
            {
                details = await http.GetFromJsonAsync<JsonElement>($"{platform.Ports.Url("upload")}/v1/videos/{video}");
                var status = details.GetProperty("status").GetString();
                Assert.False(status is "rejected" or "failed", $"{details}");
                return status == "published";
            },
            VideoTimeout
        );
        return details;
    }

    /// <summary>Opens a viewer's session as soon as the video can be watched.</summary>
    public static async Task<SessionOpened> OpenSessionAsync(PlatformProcess platform, string video)
    {
        using var http = new HttpClient();
        SessionOpened? session = null;
        await Wait.UntilAsync(
            $"video {video} can be watched",
            async () =>
            {
                using var answer = await http.PostAsJsonAsync(
                    $"{platform.Ports.Url("playback")}/v1/videos/{video}/sessions",
                    new { player = "test", region = "eu" }
                );
                if (answer.IsSuccessStatusCode)
                    session = await answer.Content.ReadFromJsonAsync<SessionOpened>();
                return session is not null;
            },
            VideoTimeout
        );
        return session!;
    }

    private static HttpClient Client(PlatformProcess platform) =>
        TestKeys.Client(platform.Data.Secret(DataFolder.ApiKey));
}
