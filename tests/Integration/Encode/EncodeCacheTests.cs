using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Worker;
using EventStream.Integration.Tests.Media;
using EventStream.Media;
using EventStream.Media.S3;
using Microsoft.Extensions.Configuration;

namespace EventStream.Integration.Tests.Encode;

/// <summary>What was made of a file serves again when the same file comes again, and only then.</summary>
public sealed class EncodeCacheTests : IDisposable
{
    private const string Sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    private readonly EncodeRig rig = new();
    private readonly VideoId one = VideoId.New(TimeProvider.System.GetUtcNow());
    private readonly VideoId two = VideoId.New(TimeProvider.System.GetUtcNow());

    public void Dispose() => rig.Dispose();

    [Fact]
    public async Task The_same_work_on_the_same_file_is_copied()
    {
        var first = (RenditionEncoded)await rig.DoAsync(await CommandAsync(one));
        File.Delete(rig.PathOf("sources/film.mp4"));
        var second = (RenditionEncoded)await rig.DoAsync(await CommandAsync(two));
        Assert.Equal(two, second.VideoId);
        Assert.Equal($"media/{two}/240p", second.Rendition.Prefix);
        Assert.Equivalent(first.Rendition with { Prefix = second.Rendition.Prefix }, second.Rendition);
        Assert.Equal(await FilesAsync(one), await FilesAsync(two));
    }

    [Fact]
    public async Task Every_rendition_of_a_task_is_copied()
    {
        Rung small = new("120p", 160, 120, 100_000);
        await rig.DoAsync(await CommandAsync(one) with { Also = [small] });
        File.Delete(rig.PathOf("sources/film.mp4"));
        var copied = (RenditionEncoded)await rig.DoAsync(await CommandAsync(two) with { Also = [small] });
        Assert.Equal([$"media/{two}/240p", $"media/{two}/120p"], copied.All().Select(made => made.Prefix));
        Assert.Equal(await FilesAsync(one), await FilesAsync(two));
        Assert.Equal(await FilesAsync(one, "120p"), await FilesAsync(two, "120p"));
    }

    [Fact]
    public async Task A_copy_serves_when_the_first_video_is_deleted()
    {
        await rig.DoAsync(await CommandAsync(one));
        await rig.DoAsync(await CommandAsync(two));
        Directory.Delete(rig.PathOf($"media/{one}"), recursive: true);
        File.Delete(rig.PathOf("sources/film.mp4"));
        var three = VideoId.New(TimeProvider.System.GetUtcNow());
        await rig.DoAsync(await CommandAsync(three));
        Assert.Equal(await FilesAsync(two), await FilesAsync(three));
    }

    [Fact]
    public async Task Another_recipe_or_another_file_is_other_work()
    {
        await rig.DoAsync(await CommandAsync(one));
        File.Delete(rig.PathOf("sources/film.mp4"));
        var command = await CommandAsync(two);
        EncodeRung[] others =
        [
            command with
            {
                Rung = command.Rung with { VideoBitrateBps = 200_000 },
            },
            command with
            {
                SegmentSeconds = 1,
            },
            command with
            {
                Source = command.Source with { Sha256 = new string('0', 64) },
            },
            command with
            {
                Source = command.Source with { Sha256 = null },
            },
        ];
        foreach (var other in others)
            await Assert.ThrowsAsync<MediaNotFoundException>(() => rig.DoAsync(other));
        var work = rig.Work(rig.Options("w") with { Preset = "superfast" });
        await Assert.ThrowsAsync<MediaNotFoundException>(() => DoAsync(work, command));
        work = rig.Work(rig.Options("w") with { Cache = false });
        await Assert.ThrowsAsync<MediaNotFoundException>(() => DoAsync(work, command));
    }

    [Fact]
    public async Task Files_that_are_gone_are_made_again()
    {
        await rig.DoAsync(await CommandAsync(one));
        File.Delete(rig.PathOf($"media/{one}/240p/1.m4s"));
        await rig.DoAsync(await CommandAsync(two));
        Assert.Contains("1.m4s", (await FilesAsync(two)).Select(file => file.Name));
    }

    [Fact]
    public async Task Entries_are_bounded_and_the_oldest_goes_first()
    {
        await rig.DoAsync(await CommandAsync(one));
        var entry = Directory.GetFiles(rig.PathOf("encode/cache"), "*", SearchOption.AllDirectories).Single();
        var shard = Path.GetDirectoryName(entry)!;
        for (var i = 0; i < EncodeCache.EntriesOfShardMax; i++)
        {
            await File.WriteAllTextAsync(Path.Combine(shard, $"{i:00}"), "");
            File.SetLastWriteTimeUtc(Path.Combine(shard, $"{i:00}"), DateTime.UnixEpoch.AddDays(i));
        }

        File.Delete(entry);
        await rig.DoAsync(await CommandAsync(two));
        var left = Directory.GetFiles(shard).Select(Path.GetFileName).ToList();
        Assert.Equal(EncodeCache.EntriesOfShardMax, left.Count);
        Assert.Contains(Path.GetFileName(entry), left);
        Assert.DoesNotContain("00", left);
    }

    [Fact]
    public async Task A_bucket_serves_as_a_folder_does()
    {
        await using var s3 = await S3Server.StartAsync();
        var settings = new ConfigurationBuilder()
            .AddInMemoryCollection(
                s3.Settings.Select(setting => KeyValuePair.Create<string, string?>(setting.Key, setting.Value))
            )
            .Build();
        using var media = new S3MediaStore(MediaOptions.Read(settings, []).S3!);
        var options = rig.Options("w");
        var cache = new EncodeCache(
            media,
            rig.Runner,
            new EncodeTools(EncodeRig.Ffmpeg, EncodeRig.PackagerPath),
            options
        );
        await rig.DoAsync(await CommandAsync(one));
        foreach (var (name, bytes) in await FilesAsync(one))
            await media.WriteAsync($"media/{one}/240p/{name}", new MemoryStream(Convert.FromHexString(bytes)), default);
        var made = (RenditionEncoded)await rig.DoAsync(await CommandAsync(one));
        await cache.NoteAsync(await CommandAsync(one), made, CancellationToken.None);

        var again = await CommandAsync(two);
        var reporter = new TaskReporter(new Said(), TimeProvider.System, "w2", again);
        var found = (RenditionEncoded?)await cache.FindAsync(again, reporter, CancellationToken.None);
        Assert.Equal(("w2", two), (found!.Worker, found.VideoId));
        Assert.NotNull(await media.StatAsync($"media/{two}/240p/media.m3u8", CancellationToken.None));
    }

    private async Task<EncodeRung> CommandAsync(VideoId video)
    {
        if (!File.Exists(rig.PathOf("sources/film.mp4")) && source is null)
            rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=320x240:rate=25:duration=4 -c:v libx264 -preset ultrafast");
        source ??= await rig.ReadAsync("sources/film.mp4") with { Sha256 = Sha256 };
        var prefix = EncodeTasks.OutputPrefix(video, "240p");
        return new EncodeRung(video, "sources/film.mp4", source, new("240p", 320, 240, 300_000), 2, prefix, default);
    }

    private SourceInfo? source;

    private async Task<IReadOnlyList<(string Name, string Bytes)>> FilesAsync(VideoId video, string rung = "240p")
    {
        var files = new List<(string, string)>();
        foreach (var path in Directory.GetFiles(rig.PathOf($"media/{video}/{rung}")).Order(StringComparer.Ordinal))
            files.Add((Path.GetFileName(path), Convert.ToHexString(await File.ReadAllBytesAsync(path))));
        return files;
    }

    private static Task<IEvent> DoAsync(TaskWork work, ICommand command) =>
        work.DoAsync(command, new TaskReporter(new Said(), TimeProvider.System, "w", command), CancellationToken.None);
}
