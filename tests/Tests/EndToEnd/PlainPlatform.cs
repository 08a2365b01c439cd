using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using EventStream.Console.Supervisor;
using EventStream.Tests.Kit;

namespace EventStream.Tests.EndToEnd;

/// <summary>
/// <c>eventstream up</c> as a user types it: no setting of ours, only a data folder and a base port of its own.
/// </summary>
internal sealed class PlainPlatform : IAsyncDisposable
{
    private const string SettingPrefix = "EVENTSTREAM__";
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(90);
    private readonly DataFolder data = new(Path.Combine(Path.GetTempPath(), $"eventstream-plain-{Guid.NewGuid():N}"));
    private readonly PortPlan ports = new(FreeBase());

    public string Url(string role) => ports.Url(role);

    /// <summary>A client that sends the key of a file in the secrets folder.</summary>
    public HttpClient Client(string secret) => TestKeys.Client(File.ReadAllText(data.SecretFile(secret)).Trim());

    /// <summary>Starts it and returns once <c>up</c> says that it is ready.</summary>
    public async Task StartAsync()
    {
        var (exit, output, errors) = await RunAsync(
            StartLimit, "up", "--data", data.Root, "--base-port", ports.Base.ToString(CultureInfo.InvariantCulture),
            "--background");
        Assert.True(exit == 0, $"{output}\n{errors}");
    }

    /// <summary>Uploads eight seconds of test picture and returns the id once the video is ready.</summary>
    public async Task<string> MakeVideoAsync()
    {
        var file = Path.Combine(data.Root, "sample.mp4");
        var (exit, _, errors) = await Command.RunAsync(
            TimeSpan.FromMinutes(1), "ffmpeg",
            [
                "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=426x240:rate=24:duration=8", "-f", "lavfi", "-i",
                "sine=d=8", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-shortest", file,
            ]);
        Assert.True(exit == 0, errors);
        using var http = Client(DataFolder.ApiKey);
        http.DefaultRequestHeaders.Add("Tus-Resumable", "1.0.0");
        var bytes = await File.ReadAllBytesAsync(file);
        using var create = new HttpRequestMessage(HttpMethod.Post, Url("upload") + "/v1/uploads");
        create.Headers.Add("Upload-Length", bytes.Length.ToString(CultureInfo.InvariantCulture));
        create.Headers.Add(
            "Upload-Metadata", $"filename {Convert.ToBase64String(Encoding.UTF8.GetBytes("sample.mp4"))}");
        using var created = await http.SendAsync(create);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        using var part = new HttpRequestMessage(
            HttpMethod.Patch, new Uri(create.RequestUri!, created.Headers.Location!));
        part.Headers.Add("Upload-Offset", "0");
        part.Content = new ByteArrayContent(bytes);
        part.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
        using var sent = await http.SendAsync(part);
        Assert.Equal(HttpStatusCode.NoContent, sent.StatusCode);
        var video = created.Headers.GetValues("X-Video-Id").Single();
        var status = "";
        await Wait.UntilAsync("the video is ready", async () =>
        {
            using var details = JsonDocument.Parse(await http.GetStringAsync(Url("upload") + $"/v1/videos/{video}"));
            status = details.RootElement.GetProperty("status").GetString();
            Assert.NotEqual("rejected", status);
            return status == "ready";
        }, TimeSpan.FromMinutes(4));
        return video;
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync(StopLimit, "down", "--data", data.Root);
        if (Directory.Exists(data.Root)) Directory.Delete(data.Root, recursive: true);
    }

    private static Task<(int ExitCode, string Output, string Errors)> RunAsync(
        TimeSpan limit, params string[] arguments)
    {
        foreach (string name in Environment.GetEnvironmentVariables().Keys)
        {
            Assert.False(
                name.StartsWith(SettingPrefix, StringComparison.OrdinalIgnoreCase), $"{name} is set; unset it.");
        }

        return Command.RunAsync(limit, Path.Combine(Checkout.Root, "artifacts", "bin", "eventstream"), arguments);
    }

    /// <summary>A base from which every port of the plan is free now.</summary>
    private static int FreeBase()
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            using var probe = new TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            var candidate = 10_000 + (((IPEndPoint)probe.LocalEndpoint).Port % 150 * 100);
            try
            {
                new PortPlan(candidate).CheckFree(ownBroker: true, edges: 2);
                return candidate;
            }
            catch (EventStream.Console.CommandException)
            {
                // Another platform stands there.
            }
        }

        throw new InvalidOperationException("No free block of ports was found.");
    }
}
