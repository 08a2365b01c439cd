using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Ladder;
using EventStream.Encode.Quality;
using EventStream.Processes;
using Microsoft.Extensions.Configuration;

namespace EventStream.Benchmarks.Ladder;

/// <summary>
/// What further ladders take beside H.264 on a scene of a film: bits at equal SSIM and CPU, of rungs of one size at
/// four qualities, by the recipes of the workers. The numbers of <see cref="CodecLadder"/> are from such runs.
/// </summary>
internal static class CodecBenchmark
{
    private const string Scene = "film-bird";
    private const double SegmentSeconds = 2;
    private static readonly double[] Crfs = [21, 25, 29, 33];
    private static readonly IConfiguration Configuration = new ConfigurationBuilder().Build();

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-codecs-").FullName;
        try
        {
            var programs = new ProgramOptions { QuietMax = TimeSpan.FromMinutes(5) };
            var ffmpeg = new FfmpegRunner(
                Tools.Program(Configuration, "ffmpeg", "ffmpeg"),
                folder,
                programs,
                TimeProvider.System
            );
            var path = Path.Combine(folder, "source.mp4");
            await LadderCorpus.Titles(Configuration).Single(title => title.Name == Scene).MakeAsync(path);
            var source = await new SourceReader(
                Tools.Program(Configuration, "ffprobe", "ffmpeg"),
                new ProgramRunner(programs, TimeProvider.System),
                TimeProvider.System
            ).ReadAsync(path, _ => { }, CancellationToken.None);
            Rung[] ladder = [.. Crfs.Select(crf => new Rung($"720p-{crf}", 1280, 720, 20_000_000, crf))];
            var run = new Run(folder, path, source, ffmpeg);
            var h264 = await run.MakeAsync(PictureCodec.H264, ladder);
            var figures = new List<Figure>();
            foreach (var codec in PictureCodec.Further)
            {
                var made = await run.MakeAsync(codec, CodecLadder.Of(codec, ladder));
                var bits = LadderCurve.BitsAtEqualQuality(h264.Points, made.Points);
                var cpu = made.CpuSeconds / h264.CpuSeconds;
                Console.WriteLine($"{codec}: {bits:0.00} of the bits at equal SSIM, {cpu:0.0} times the CPU");
                Console.WriteLine(
                    string.Join(' ', made.Points.Select(p => $"{p.Bits / 1000:0} kb/s {p.Ssim:0.0000};"))
                );
                figures.Add(Figure.AgainstPeer($"bits of {codec}, {Scene}", "of 1", bits, 1, "x264", "<= 0.8"));
                figures.Add(Figure.AgainstPeer($"CPU of {codec}, {Scene}", "of 1", cpu, 1, "x264", "<= 12"));
            }

            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The rungs of a codec as they came out, and the CPU seconds of ffmpeg that they took.</summary>
    private sealed record Made(IReadOnlyList<(double Bits, double Ssim)> Points, double CpuSeconds);

    private sealed class Run(string folder, string path, SourceInfo source, FfmpegRunner ffmpeg)
    {
        public async Task<Made> MakeAsync(string codec, IReadOnlyList<Rung> rungs)
        {
            var settings = new PictureSettings(
                FrameRate.FromHz(source.FramesPerSecond),
                SegmentSeconds,
                "veryfast",
                1,
                Codec: codec
            );
            var part = PlayedPart.Of(source);
            var (begun, files) = (CpuClock.ChildSeconds(), new List<string>());
            foreach (var rung in rungs)
            {
                var output = new RungOutput(rung, Path.Combine(folder, $"{rung.Name}.mp4"));
                files.Add(output.Path);
                if (codec == PictureCodec.Vp9)
                {
                    var notes = output.Path + ".notes";
                    await DoAsync(FfmpegRecipes.Vp9Pass(1, path, output, settings, notes, part, source.Picture));
                    await DoAsync(FfmpegRecipes.Vp9Pass(2, path, output, settings, notes, part, source.Picture));
                }
                else
                {
                    await DoAsync(FfmpegRecipes.Tracks(path, [output], settings, null, part, source.Picture));
                }
            }

            var cpu = CpuClock.ChildSeconds() - begun;
            var whole = Excerpt.Of(source, SegmentSeconds, int.MaxValue, 1)[0];
            var sums = await new QualityMeter(ffmpeg, 1).CompareAsync(
                path,
                source,
                whole,
                SegmentSeconds,
                files,
                folder,
                _ => { },
                CancellationToken.None
            );
            var bits = files.Select(file => new FileInfo(file).Length * 8 / source.DurationSeconds);
            return new Made([.. bits.Zip(sums, (b, sum) => (b, sum.MeanSsim))], cpu);
        }

        private Task DoAsync(FFMpegCore.FFMpegArgumentProcessor recipe) =>
            ffmpeg.RunAsync(recipe, _ => { }, CancellationToken.None);
    }
}
