using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Ladder;
using EventStream.Encode.Quality;
using EventStream.Encode.Worker;
using EventStream.Media;
using EventStream.Messaging.Kafka;
using EventStream.Processes;
using Microsoft.Extensions.Configuration;
using Spectre.Console;

namespace EventStream.Benchmarks.Ladder;

/// <summary>
/// What the ladder of each title saves beside the standard ladder: bits at equal SSIM over the range that both reach,
/// really encoded and measured at the size of the source.
/// </summary>
internal static class LadderBenchmark
{
    private const double SegmentSeconds = 2;
    private static readonly IConfiguration Configuration = new ConfigurationBuilder().Build();

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-ladder-").FullName;
        try
        {
            using var run = new Run(folder);
            var table = new Table().AddColumns(
                "title",
                "standard: kbit/s, SSIM",
                "per title: kbit/s, SSIM",
                "bits",
                "CPU"
            );
            var (figures, unseen) = (new List<Figure>(), new List<double>());
            foreach (var title in LadderCorpus.Titles(Configuration))
            {
                var (standard, perTitle) = await run.CompareAsync(title);
                var bits = LadderCurve.BitsAtEqualQuality(standard.Points, perTitle.Points);
                var (ours, theirs) = (perTitle.CpuSeconds, standard.CpuSeconds);
                Console.WriteLine($"{title.Name}: {bits:0.000} of the bits, {ours / theirs:0.00} of the CPU");
                table.AddRow(
                    title.Name + (title.Tuned ? " (tuned on)" : ""),
                    standard.ToString(),
                    perTitle.ToString(),
                    $"{(bits - 1) * 100:+0.0;-0.0} %",
                    $"{ours / theirs:0.00} of {theirs:0} s"
                );
                figures.Add(Figure.AgainstPeer($"bits of {title.Name}", "of 1", bits, 1, "standard ladder", "<= 1.02"));
                if (!title.Tuned)
                    unseen.Add(bits);
            }

            AnsiConsole.Write(table);
            figures.Add(
                Figure.AgainstPeer(
                    "bits, titles not tuned on",
                    "of 1",
                    unseen.Average(),
                    1,
                    "standard ladder",
                    "<= 0.8"
                )
            );
            return figures;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The rungs of one ladder as they came out, and the CPU seconds of ffmpeg that they took.</summary>
    private sealed record Made(IReadOnlyList<(string Name, double Bits, double Ssim)> Rungs, double CpuSeconds)
    {
        public IReadOnlyList<(double Bits, double Ssim)> Points => [.. Rungs.Select(rung => (rung.Bits, rung.Ssim))];

        public override string ToString() =>
            string.Join('\n', Rungs.Select(rung => $"{rung.Name} {rung.Bits / 1000:0} {rung.Ssim:0.0000}"));
    }

    private sealed class Run : IDisposable
    {
        private readonly string folder;
        private readonly EncodeOptions options;
        private readonly FfmpegRunner ffmpeg;
        private readonly FolderMediaStore media;
        private readonly SourceReader reader;

        public Run(string folder)
        {
            this.folder = folder;
            options = new EncodeOptions { Threads = 1, WorkFolder = folder };
            var program = Tools.Program(Configuration, "ffmpeg", "ffmpeg");
            var programs = new ProgramOptions { QuietMax = TimeSpan.FromMinutes(5) };
            ffmpeg = new FfmpegRunner(program, folder, programs, TimeProvider.System);
            media = new FolderMediaStore(Path.Combine(folder, "media"));
            var probe = Tools.Program(Configuration, "ffprobe", "ffmpeg");
            reader = new SourceReader(probe, new ProgramRunner(programs, TimeProvider.System), TimeProvider.System);
        }

        public async Task<(Made Standard, Made PerTitle)> CompareAsync(LadderTitle title)
        {
            var key = $"sources/{title.Name}.mp4";
            var path = Path.Combine(folder, "media", key);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await title.MakeAsync(path);
            var source = await reader.ReadAsync(path, _ => { }, CancellationToken.None);
            var standard = await MakeAsync(path, source, new StandardLadder().Choose(source), 0);
            var policy = new PerTitleLadder();
            var ladder = policy.Choose(source);
            var before = CpuClock.ChildSeconds();
            var placed = policy.Place(ladder, await AnalyseAsync(key, source, ladder, policy.Samples(ladder)));
            return (standard, await MakeAsync(path, source, placed, CpuClock.ChildSeconds() - before));
        }

        public void Dispose() => Directory.Delete(Path.Combine(folder, "media"), recursive: true);

        private async Task<IReadOnlyList<LadderSample>> AnalyseAsync(
            string key,
            SourceInfo source,
            IReadOnlyList<Rung> ladder,
            IReadOnlyList<LadderSample> samples
        )
        {
            if (samples.Count == 0)
                return [];
            var id = VideoId.New(TimeProvider.System.GetUtcNow());
            var command = new AnalyseSource(id, key, source, ladder, samples, SegmentSeconds, default);
            var reporter = new TaskReporter(new Silent(), TimeProvider.System, "benchmark", command);
            var work = new AnalysisWork(media, ffmpeg, options);
            return (await work.DoAsync(command, folder, reporter, CancellationToken.None)).Samples;
        }

        private async Task<Made> MakeAsync(string path, SourceInfo source, IReadOnlyList<Rung> ladder, double cpu)
        {
            var rate = FrameRate.FromHz(source.FramesPerSecond);
            var (begun, files) = (CpuClock.ChildSeconds(), new List<string>());
            foreach (var rung in ladder)
            {
                files.Add(Path.Combine(folder, $"{rung.Name}.mp4"));
                var recipe = FfmpegRecipes.Tracks(
                    path,
                    [new RungOutput(rung, files[^1])],
                    new PictureSettings(rate, SegmentSeconds, options.Preset, options.Threads),
                    part: PlayedPart.Of(source),
                    picture: source.Picture
                );
                await ffmpeg.RunAsync(recipe, _ => { }, CancellationToken.None);
            }

            cpu += CpuClock.ChildSeconds() - begun;
            var whole = Excerpt.Of(source, SegmentSeconds, int.MaxValue, 1);
            var meter = new QualityMeter(ffmpeg, options.Threads);
            var sums = await meter.CompareAsync(
                path,
                source,
                whole[0],
                SegmentSeconds,
                files,
                folder,
                _ => { },
                CancellationToken.None
            );
            var bits = files.Select(file => new FileInfo(file).Length * 8 / source.DurationSeconds);
            return new Made([.. ladder.Zip(bits, sums).Select(x => (x.First.Name, x.Second, x.Third.MeanSsim))], cpu);
        }
    }

    private sealed class Silent : IEventPublisher
    {
        public Task PublishAsync(
            Topic topic,
            string key,
            IMessage message,
            DateTimeOffset time,
            CancellationToken cancellation,
            PublishOptions? options = null
        ) => Task.CompletedTask;
    }
}
