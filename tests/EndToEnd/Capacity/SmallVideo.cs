using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using EventStream.Cli.Supervisor;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Capacity;

/// <summary>Makes a small video on a running platform, by the doors that a publisher uses.</summary>
internal static class SmallVideo
{
    /// <summary>Uploads eight seconds of test picture and returns the id once the video is published.</summary>
    public static async Task<string> MakeAsync(PlatformProcess platform)
    {
        var file = Path.Combine(platform.Data.Root, "sample.mp4");
        var (exit, _, errors) = await Command.RunAsync(
            TimeSpan.FromMinutes(1),
            "ffmpeg",
            [
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=size=426x240:rate=24:duration=8",
                "-f",
                "lavfi",
                "-i",
                "sine=d=8",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-c:a",
                "aac",
                "-shortest",
                file,
            ]
        );
        Assert.True(exit == 0, errors);
        using var http = TestKeys.Client(platform.Data.Secret(DataFolder.ApiKey));
        http.DefaultRequestHeaders.Add("Tus-Resumable", "1.0.0");
        var bytes = await File.ReadAllBytesAsync(file);
        using var create = new HttpRequestMessage(HttpMethod.Post, platform.Ports.Url("upload") + "/v1/uploads");
        create.Headers.Add("Upload-Length", bytes.Length.ToString(CultureInfo.InvariantCulture));
        create.Headers.Add(
            "Upload-Metadata",
            $"filename {Convert.ToBase64String(Encoding.UTF8.GetBytes("sample.mp4"))}"
        );
        using var created = await http.SendAsync(create);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        using var part = new HttpRequestMessage(
            HttpMethod.Patch,
            new Uri(create.RequestUri!, created.Headers.Location!)
        );
        part.Headers.Add("Upload-Offset", "0");
        part.Content = new ByteArrayContent(bytes);
        part.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
        using var sent = await http.SendAsync(part);
        Assert.Equal(HttpStatusCode.NoContent, sent.StatusCode);
        var video = created.Headers.GetValues("X-Video-Id").Single();
        var status = "";
        await Wait.UntilAsync(
            "the video is published",
            async () =>
            {
                using var details = JsonDocument.Parse(
                    await http.GetStringAsync($"{platform.Ports.Url("upload")}/v1/videos/{video}")
                );
                status = details.RootElement.GetProperty("status").GetString();
                Assert.NotEqual("rejected", status);
                return status == "published";
            },
            TimeSpan.FromMinutes(4)
        );
        return video;
    }
}
