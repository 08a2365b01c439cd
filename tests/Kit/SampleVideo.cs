using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using EventStream.Contracts;
using EventStream.Encode.Packaging;
using EventStream.Processes;
using Microsoft.Extensions.Configuration;

namespace EventStream.Tests.Kit;

/// <summary>
/// A short clip with sound in two rungs, really encoded by ffmpeg and packaged by shaka-packager, laid out as the
/// contract of <see cref="Rendition"/> says, and the events that tell of it.
/// </summary>
public sealed partial class SampleVideo : IAsyncLifetime
{
    public const int Seconds = 16;
    private static readonly IConfiguration Configuration = new ConfigurationBuilder().Build();
    private static readonly (string Name, int Width, int Height, int Kbps)[] Ladder =
    [
        ("180p", 320, 180, 200),
        ("360p", 640, 360, 600),
    ];

    private readonly List<Rendition> renditions = [];

    public VideoId Id { get; } = VideoId.New(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));

    public string MediaRoot { get; } = Directory.CreateTempSubdirectory("eventstream-media-").FullName;

    public IReadOnlyList<IMessage> Events(params string[] names)
    {
        var at = new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
        var chosen = renditions.Where(r => names.Length == 0 || names.Contains(r.Name)).ToList();
        return
        [
            new VideoRegistered(Id, "press", "Test", "test.mp4", 1, at),
            .. chosen.Select(rendition => new VideoRenditionEncoded(Id, rendition, at)),
            new VideoThumbnailsMade(
                Id,
                new Thumbnails($"videos/{Id}/poster.jpg", $"videos/{Id}/sprite.jpg", $"videos/{Id}/thumbnails.vtt"),
                at
            ),
            new VideoPlayable(Id, "180p", at),
        ];
    }

    public async Task InitializeAsync()
    {
        var source = Path.Combine(MediaRoot, "work");
        Directory.CreateDirectory(source);
        await EncodeAsync(source);
        var prefix = Path.Combine(MediaRoot, "videos", Id.ToString());
        foreach (var rung in Ladder)
            await PackageAsync(
                Path.Combine(source, $"{rung.Name}.mp4"),
                "video",
                prefix,
                rung.Name,
                rung.Width,
                rung.Height
            );
        await PackageAsync(Path.Combine(source, "audio.mp4"), "audio", prefix, "audio", 0, 0);
        await File.WriteAllTextAsync(Path.Combine(prefix, "poster.jpg"), "a picture");
    }

    public Task DisposeAsync()
    {
        Directory.Delete(MediaRoot, recursive: true);
        return Task.CompletedTask;
    }

    private static Task EncodeAsync(string folder)
    {
        List<string> arguments =
        [
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            $"testsrc2=size=640x360:rate=24:duration={Seconds}",
            "-f",
            "lavfi",
            "-i",
            $"sine=frequency=440:duration={Seconds}",
        ];
        foreach (var rung in Ladder)
        {
            arguments.AddRange([
                "-map",
                "0:v",
                "-vf",
                $"scale={rung.Width}:{rung.Height}",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-pix_fmt",
                "yuv420p",
                "-g",
                "48",
                "-keyint_min",
                "48",
                "-sc_threshold",
                "0",
                "-b:v",
                $"{rung.Kbps}k",
                Path.Combine(folder, $"{rung.Name}.mp4"),
            ]);
        }

        arguments.AddRange([
            "-map",
            "1:a",
            "-c:a",
            "aac",
            "-ac",
            "2",
            "-b:a",
            "96k",
            Path.Combine(folder, "audio.mp4"),
        ]);
        return RunAsync(Tools.Program(Configuration, "ffmpeg", "ffmpeg"), arguments);
    }

    private async Task PackageAsync(string source, string kind, string prefix, string name, int width, int height)
    {
        var folder = Path.Combine(prefix, name);
        Directory.CreateDirectory(folder);
        var packager = Tools.Npm(Configuration, "shaka-packager/bin/packager-linux-x64");
        await RunAsync(
            packager,
            [
                $"in={source},stream={kind},init_segment={folder}/init.mp4,segment_template={folder}/$Number$.m4s,"
                    + "playlist_name=media.m3u8",
                "--segment_duration",
                "2",
                "--hls_master_playlist_output",
                Path.Combine(folder, "master.m3u8"),
                "--quiet",
            ]
        );
        var master = await File.ReadAllTextAsync(Path.Combine(folder, "master.m3u8"));
        var durations = Extinf()
            .Matches(await File.ReadAllTextAsync(Path.Combine(folder, "media.m3u8")))
            .Select(match => double.Parse(match.Groups["seconds"].Value, CultureInfo.InvariantCulture))
            .ToList();
        var sizes = durations.Select((_, i) => new FileInfo(Path.Combine(folder, $"{i + 1}.m4s")).Length).ToList();
        var keyFrames = kind == Rendition.Video ? await WriteKeyFramesAsync(folder, durations) : null;
        renditions.Add(
            new Rendition(
                name,
                kind,
                $"videos/{Id}/{name}",
                Codecs().Match(master).Groups["codecs"].Value,
                width,
                height,
                kind == "video" ? 24 : 0,
                (int)sizes.Zip(durations).Max(segment => segment.First * 8 / segment.Second),
                (int)(sizes.Sum() * 8 / durations.Sum()),
                durations,
                sizes.Sum(),
                KeyFrameBandwidthBps: keyFrames
            )
        );
    }

    /// <summary>Writes the playlist of key frames as an encode does, and returns its bandwidth.</summary>
    private static async Task<int?> WriteKeyFramesAsync(string folder, IReadOnlyList<double> durations)
    {
        var segments = durations.Select(
            (seconds, i) =>
            {
                var bytes = File.ReadAllBytes(Path.Combine(folder, MediaPlaylist.SegmentName(i + 1)));
                return new Segment(0, seconds, bytes.LongLength, Mp4.FirstSampleEnd(bytes));
            }
        );
        var list = new SegmentList([.. segments]);
        await File.WriteAllTextAsync(Path.Combine(folder, KeyFramePlaylist.FileName), KeyFramePlaylist.Write(list));
        return list.KeyFramePeakBps;
    }

    private static async Task RunAsync(string program, IEnumerable<string> arguments)
    {
        var info = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false };
        using var process = Process.Start(info)!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program}: {error}");
    }

    [GeneratedRegex(@"#EXTINF:(?<seconds>[0-9.]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Extinf();

    [GeneratedRegex("CODECS=\"(?<codecs>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Codecs();
}
