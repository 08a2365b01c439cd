using System.Diagnostics;
using System.Text.Json;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Ladder;
using EventStream.Processes;
using Microsoft.Extensions.Configuration;

namespace EventStream.Benchmarks;

/// <summary>
/// What making all rungs costs: the CPU of a worker beside one ffmpeg that makes the same rungs and sound in one
/// command, and the time of two workers beside that of one on videos that have nothing to do with each other.
/// </summary>
internal static class EncodeBenchmark
{
    private const int Rounds = 2;
    private const int Videos = 4;
    private static readonly TimeSpan DoneMax = TimeSpan.FromMinutes(15);

    public static async Task<IReadOnlyList<Figure>> RunAsync() =>
        [.. await InFolderAsync(CpuAsync), .. await InFolderAsync(TwoWorkersAsync)];

    private static async Task<IReadOnlyList<Figure>> InFolderAsync(
        Func<string, Task<IReadOnlyList<Figure>>> measureAsync
    )
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-bench-encode").FullName;
        try
        {
            return await measureAsync(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Probe, rungs, sound, packaging and thumbnails; measuring the quality counts apart.</summary>
    private static async Task<IReadOnlyList<Figure>> CpuAsync(string folder)
    {
        await using var studio = await StudioPlatform.StartAsync(folder, ("Encode:Ladder", "standard"));
        await studio.StartWorkersAsync(1);
        var (made, measured, plain) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            var before = studio.WorkerCpuSeconds();
            var (id, _) = await studio.UploadAsync(StudioPlatform.Film);
            await studio.UntilAsync(id, Published, DoneMax);
            var published = studio.WorkerCpuSeconds();
            await studio.UntilAsync(id, Measured, DoneMax);
            var done = studio.WorkerCpuSeconds();
            var alone = await PlainAsync(StudioPlatform.Film, folder);
            // The first round warms up.
            if (round == 0)
                continue;
            made.Add(published - before);
            measured.Add(done - published);
            plain.Add(alone);
        }

        var peer = plain.Average();
        return
        [
            Figure.AgainstPeer("encode and package all rungs", "CPU s", made.Average(), peer, "one ffmpeg", "<= 1.10"),
            Figure.AgainstPeer("measure their quality", "CPU s", measured.Average(), peer, "one ffmpeg", "apart"),
        ];
    }

    private static async Task<IReadOnlyList<Figure>> TwoWorkersAsync(string folder)
    {
        var film = Path.Combine(folder, "short.mp4");
        await FfmpegAsync($"-v error -i {StudioPlatform.Film} -t 10 -c copy {film}");
        await using var studio = await StudioPlatform.StartAsync(folder, ("Encode:Threads", "1"));
        var times = new List<double>();
        foreach (var workers in (int[])[1, 2])
        {
            await studio.StartWorkersAsync(workers);
            await MakeAllAsync(studio, film, 1);
            times.Add(await MakeAllAsync(studio, film, Videos));
        }

        return [Figure.AgainstPeer($"{Videos} videos, 2 workers", "s", times[1], times[0], "1 worker", "<= 0.65")];
    }

    /// <summary>Seconds until so many videos are published, uploaded at once.</summary>
    private static async Task<double> MakeAllAsync(StudioPlatform studio, string film, int count)
    {
        var clock = Stopwatch.StartNew();
        var videos = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => studio.UploadAsync(film)));
        foreach (var (id, _) in videos)
            await studio.UntilAsync(id, Published, DoneMax);
        var seconds = clock.Elapsed.TotalSeconds;
        foreach (var (id, _) in videos)
            await studio.UntilAsync(id, Measured, DoneMax);
        return seconds;
    }

    /// <summary>CPU seconds of one command that makes every rung of the standard ladder, and the sound.</summary>
    private static async Task<double> PlainAsync(string film, string folder)
    {
        var configuration = new ConfigurationBuilder().Build();
        var reader = new SourceReader(
            Tools.Program(configuration, "ffprobe", "ffmpeg"),
            new ProgramRunner(new ProgramOptions(), TimeProvider.System),
            TimeProvider.System
        );
        var source = await reader.ReadAsync(film, _ => { }, CancellationToken.None);
        var rungs = new StandardLadder()
            .Choose(source)
            .Select(rung => new RungOutput(rung, Path.Combine(folder, $"{rung.Name}.mp4")));
        var recipe = FfmpegRecipes.Tracks(
            film,
            [.. rungs],
            new PictureSettings(FrameRate.FromHz(source.FramesPerSecond), 2, "veryfast", 0),
            new SoundOutput(null, 128_000, Path.Combine(folder, "audio.mp4"))
        );
        var before = CpuClock.ChildSeconds();
        await FfmpegAsync(recipe.Arguments);
        return CpuClock.ChildSeconds() - before;
    }

    private static async Task FfmpegAsync(string arguments)
    {
        var ffmpeg = Tools.Program(new ConfigurationBuilder().Build(), "ffmpeg", "ffmpeg");
        using var process = Process.Start(
            new ProcessStartInfo(ffmpeg, arguments) { UseShellExecute = false, RedirectStandardError = true }
        )!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException(errors);
    }

    private static bool Published(JsonElement video) => video.GetProperty("status").GetString() == "published";

    private static bool Measured(JsonElement video) =>
        video
            .GetProperty("renditions")
            .EnumerateArray()
            .Any(made => made.TryGetProperty("quality", out var quality) && quality.ValueKind == JsonValueKind.Object);
}
