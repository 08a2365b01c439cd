using System.Net.Http.Json;
using System.Text.Json;
using EventStream.Integration.Tests.EventStore;
using EventStream.Processes.Postgres;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Encode;

/// <summary>
/// Two workers and the planner as processes, their broker and their PostgreSQL, killed in turn at any instant while
/// videos are uploaded and encoded: every video ends published or rejected with its reason, its segments are all there
/// and decode, and nothing unfinished is left behind. <c>make soak</c> goes on with it for longer.
/// </summary>
[Trait("Category", "Fault")]
public sealed class KillTests : IAsyncLifetime
{
    /// <summary>Videos of the short run, and at most so many that are not done in the long one.</summary>
    private const int Videos = 12;

    private const int FramesPerSecond = 24;
    private const int Seconds = 3;
    private static readonly TimeSpan EndPatience = TimeSpan.FromMinutes(4);

    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-kill-pg-").FullName;
    private readonly int port = FreePort.Next();
    private readonly HttpClient http = TestKeys.Client(TestKeys.Publisher);
    private readonly Dictionary<string, EventStreamProcess> roles = new(StringComparer.Ordinal);
    private EventStreamProcess upload = null!;
    private PostgresCluster cluster = null!;
    private EncodeStage stage = null!;

    public async Task InitializeAsync()
    {
        cluster = await PostgresCluster.StartAsync(folder, port, CancellationToken.None);
        stage = await EncodeStage.StartAsync();
        stage.Settings["Postgres:ConnectionString"] = cluster.ConnectionString;
        stage.Settings["Urls:console"] = "http://127.0.0.1:7000";
        // A worker that is gone is missed sooner than after a minute and a half.
        stage.Settings["Encode:RunningQuietMax"] = "00:00:15";
        stage.Settings.Remove("Listen:encode");
        http.Timeout = TimeSpan.FromSeconds(20);
    }

    public async Task DisposeAsync()
    {
        foreach (var role in roles.Values.Append(upload))
            await role.DisposeAsync();
        await stage.DisposeAsync();
        cluster.Kill();
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Whatever_is_killed_every_video_ends_whole_and_nothing_is_left_behind()
    {
        var run = FaultRun.Of(TimeSpan.FromSeconds(20));
        upload = Launch("upload");
        foreach (var name in (string[])["encode", "w0", "w1"])
            roles[name] = Launch(name);
        await Task.WhenAll(roles.Values.Append(upload).Select(role => role.UntilReadyAsync()));
        using var stop = new CancellationTokenSource(run.Duration);
        var (killing, uploading) = (KillAsync(new Random(run.Seed), stop.Token), UploadAsync(stop.Token));
        // Also where one fails: what the other starts again would be left running.
        await Task.WhenAll(killing, uploading);
        var (kills, uploaded) = (await killing, await uploading);
        await Wait.UntilAsync(
            $"every video ends ({run.Name}; {string.Join(", ", kills)})",
            () => AllEndAsync(uploaded.Keys),
            EndPatience
        );

        foreach (var (id, isVideo) in uploaded)
            Check(await VideoAsync(id), isVideo, $"{run.Name}, {id}");
        Assert.DoesNotContain("relation \"uploads\" does not exist", upload.Output, StringComparison.Ordinal);
        await Wait.UntilAsync("nothing is left behind", () => LeftBehind().Count == 0, TimeSpan.FromSeconds(90));
    }

    /// <summary>Kills one after another, each again before its turn comes again; returns what was killed.</summary>
    private async Task<List<string>> KillAsync(Random random, CancellationToken stop)
    {
        string[] victims = ["w0", "PostgreSQL", "encode", "broker", "w1"];
        var kills = new List<string>();
        while (!stop.IsCancellationRequested || kills.Count < victims.Length)
        {
            if (kills.Count % victims.Length == 0)
                random.Shuffle(victims);
            await Task.Delay(random.Next(200, 3000), CancellationToken.None);
            var victim = victims[kills.Count % victims.Length];
            kills.Add(victim);
            if (victim == "PostgreSQL")
                cluster = await PostgresKill.KillAndStartAsync(folder, port);
            else if (victim == "broker")
                await stage.Broker.RestartAsync(abruptly: true);
            else
            {
                await roles[victim].KillAsync();
                roles[victim] = Launch(victim);
            }
        }

        return kills;
    }

    private EventStreamProcess Launch(string name)
    {
        var isWorker = name.StartsWith('w');
        var settings = stage.Settings.Where(pair => !pair.Key.StartsWith("Access:", StringComparison.Ordinal));
        return EventStreamProcess.Launch(
            isWorker ? "encode-worker" : name,
            [
                .. settings.Select(pair => (pair.Key, pair.Value!)),
                // A worker that comes back has another name, as one whose name holds its process id.
                .. isWorker
                    ? [("Encode:WorkerId", $"{name}-{Guid.NewGuid():N}"[..12])]
                    : Array.Empty<(string, string)>(),
            ]
        );
    }

    /// <summary>Uploads videos, and a text among them; returns which of the ids are videos.</summary>
    private async Task<Dictionary<string, bool>> UploadAsync(CancellationToken stop)
    {
        var key = stage.Rig.Clip(
            "film.mp4",
            $"-f lavfi -i testsrc2=size=640x360:rate={FramesPerSecond}:duration={Seconds} "
                + $"-f lavfi -i sine=duration={Seconds} -c:v libx264 -preset ultrafast -c:a aac"
        );
        var (film, text) = (
            await File.ReadAllBytesAsync(stage.Rig.PathOf(key), CancellationToken.None),
            "Dear viewer"u8.ToArray()
        );
        var uploaded = new Dictionary<string, bool>(StringComparer.Ordinal);
        while (uploaded.Count < Videos || (FaultRun.IsSoak && !stop.IsCancellationRequested))
        {
            var isVideo = uploaded.Count != 3;
            if (await UploadAsync(isVideo ? film : text) is { } id)
                uploaded[id] = isVideo;
            if (uploaded.Count >= Videos && uploaded.Count % Videos == 0)
                await Wait.UntilAsync("the videos before end", () => IsEndedAsync(uploaded.Keys.Last()), EndPatience);
        }

        return uploaded;
    }

    /// <summary>One request with the whole file; null where it was not answered, which decides nothing.</summary>
    private async Task<string?> UploadAsync(byte[] file)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{upload.Url}/v1/uploads")
        {
            Content = new ByteArrayContent(file)
            {
                Headers = { { "Content-Type", "application/offset+octet-stream" } },
            },
        };
        request.Headers.TryAddWithoutValidation("Tus-Resumable", "1.0.0");
        request.Headers.TryAddWithoutValidation("Upload-Length", $"{file.Length}");
        try
        {
            using var answer = await http.SendAsync(request);
            return answer.IsSuccessStatusCode ? answer.Headers.GetValues("X-Video-Id").Single() : null;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    private async Task<bool> AllEndAsync(IEnumerable<string> ids)
    {
        foreach (var id in ids)
            if (!await IsEndedAsync(id))
                return false;
        return true;
    }

    private async Task<bool> IsEndedAsync(string id) =>
        (await VideoAsync(id)).GetProperty("status").GetString() is "published" or "rejected" or "failed";

    /// <summary>A video as its publisher sees it; asked again while PostgreSQL is away.</summary>
    private async Task<JsonElement> VideoAsync(string id)
    {
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync($"{upload.Url}/v1/videos/{id}");
                if (answer.IsSuccessStatusCode)
                    return await answer.Content.ReadFromJsonAsync<JsonElement>();
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // It waits for PostgreSQL.
            }

            await Task.Delay(200);
        }
    }

    private void Check(JsonElement video, bool isVideo, string name)
    {
        var status = video.GetProperty("status").GetString();
        if (!isVideo)
        {
            Assert.Equal((name, "rejected"), (name, status));
            Assert.NotEmpty(video.GetProperty("problem").GetString()!);
            return;
        }

        Assert.True(status == "published", $"{name} is {status}: {video.GetProperty("problem")}");
        var renditions = video.GetProperty("renditions").EnumerateArray().ToList();
        Assert.Equal(
            ["240p", "360p", "audio"],
            renditions.Select(one => one.GetProperty("name").GetString()!).Order(StringComparer.Ordinal)
        );
        foreach (var rendition in renditions)
            CheckRendition(rendition, name);
    }

    private void CheckRendition(JsonElement rendition, string name)
    {
        var prefix = stage.Rig.PathOf(rendition.GetProperty("prefix").GetString()!);
        var playlist = File.ReadAllLines(Path.Combine(prefix, "media.m3u8"));
        var named = playlist.Where(line => line.Length > 0 && line[0] != '#').ToList();
        Assert.Equal(rendition.GetProperty("segments").GetInt32(), named.Count);
        var isVideo = rendition.GetProperty("kind").GetString() == "video";
        Assert.Equal(
            [.. named, .. isVideo ? (string[])["iframes.m3u8"] : [], "init.mp4", "media.m3u8"],
            Directory.GetFiles(prefix).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)
        );
        Assert.InRange(HlsPlaylist.Durations(string.Join('\n', playlist)).Sum(), Seconds - 0.05, Seconds + 0.05);
        var read = stage.Rig.Probe(
            Path.Combine(prefix, "media.m3u8"),
            "-count_frames -show_entries stream=codec_type,nb_read_frames"
        );
        Assert.True(
            !isVideo || read.Contains($"video,{FramesPerSecond * Seconds}"),
            $"{name}, {prefix}: {string.Join(' ', read)}"
        );
    }

    /// <summary>Leases, files that are not whole, and work folders of workers that are gone.</summary>
    private List<string> LeftBehind()
    {
        var work = Directory.GetDirectories(Path.Combine(stage.Rig.Folder, "work"), "w*");
        var living = Directory.GetFiles(Path.Combine(stage.Rig.Folder, "work"), "*.lock").Length;
        return
        [
            .. Directory.GetFiles(stage.Rig.MediaRoot, "*.claim", SearchOption.AllDirectories),
            .. Directory.GetFiles(stage.Rig.MediaRoot, "*.tmp", SearchOption.AllDirectories),
            .. Directory.GetFiles(Path.Combine(stage.Rig.MediaRoot, ".tmp")),
            .. work.SelectMany(Directory.GetFileSystemEntries),
            .. work.Length == 2 && living == 2 ? Array.Empty<string>() : work,
        ];
    }
}
