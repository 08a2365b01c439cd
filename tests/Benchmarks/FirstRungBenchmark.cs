using System.Diagnostics;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Processes;
using Microsoft.Extensions.Configuration;

namespace EventStream.Benchmarks;

/// <summary>
/// From the last byte of a 30 s 1080p film to its first rung and sound in the library, with the roles in processes of
/// their own, beside ffmpeg alone making the same rung and sound at the same priority. The two take turns.
/// </summary>
internal static class FirstRungBenchmark
{
    private const int Rounds = 3;
    private const int Niceness = 5;
    private static readonly TimeSpan PlayableMax = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan PublishedMax = TimeSpan.FromMinutes(10);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-bench-first").FullName;
        try
        {
            await using var studio = await StudioPlatform.StartAsync(folder);
            var figures = new List<Figure>();
            foreach (var count in (int[])[1, 4])
            {
                await studio.StartWorkersAsync(count);
                figures.Add(await CompareAsync(studio, count, folder));
            }

            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Figure> CompareAsync(StudioPlatform studio, int workers, string folder)
    {
        var (ours, bare) = (new List<double>(), new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            var (playable, alone) = (await PlayableAsync(studio), await BareAsync(StudioPlatform.Film, folder));
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
    private static async Task<double> PlayableAsync(StudioPlatform studio)
    {
        var (id, clock) = await studio.UploadAsync(StudioPlatform.Film);
        await studio.UntilAsync(id, video => Status(video) is "playable" or "published", PlayableMax);
        var seconds = clock.Elapsed.TotalSeconds;
        await studio.UntilAsync(id, video => Status(video) == "published", PublishedMax);
        return seconds;
    }

    private static string? Status(JsonElement video) => video.GetProperty("status").GetString();

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
