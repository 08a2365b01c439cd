using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Worker;
using EventStream.Media;
using EventStream.Processes;

namespace EventStream.Encode.Quality;

/// <summary>
/// Encodes short excerpts of a source at a few sizes and constant qualities, and measures bits and likeness of each.
/// </summary>
public sealed class AnalysisWork(IMediaStore media, FfmpegRunner ffmpeg, EncodeOptions options)
{
    /// <summary>Most GOPs that are encoded of a source; 8 seconds where a segment has two.</summary>
    public const int GopsMax = 4;

    /// <summary>One GOP is encoded of each so many: the analysis of a short video costs little of its ladder.</summary>
    public const int GopsForOne = 8;

    /// <summary>
    /// Analyses. Throws <see cref="MediaNotFoundException"/>, <see cref="ProgramFailedException"/> or
    /// <see cref="IOException"/>.
    /// </summary>
    public async Task<SourceAnalysed> DoAsync(
        AnalyseSource command,
        string folder,
        TaskReporter reporter,
        CancellationToken cancellation
    )
    {
        using var source = await media.FetchAsync(command.SourceKey, cancellation);
        var begun = reporter.Now;
        var rate = FrameRate.FromHz(command.Source.FramesPerSecond);
        var excerpts = Excerpts(command.Source, command.SegmentSeconds);
        var meter = new QualityMeter(ffmpeg, options.Threads);
        var rungs = command.Samples.Select(sample => command.Ladder.First(rung => rung.Name == sample.Rung)).ToList();
        var (sums, bytes) = (new QualitySum[rungs.Count], new long[rungs.Count]);
        for (var i = 0; i < excerpts.Count; i++)
        {
            void Report(FfmpegProgress progress) =>
                reporter.Progress((double)i / excerpts.Count, progress.Speed, cancellation);
            string PathOf(int place) => Path.Combine(folder, $"sample-{place}.h264");
            var recipe = AnalysisRecipe.Encode(
                source.Path,
                command.Source,
                excerpts[i],
                command.SegmentSeconds,
                [.. rungs.Zip(command.Samples, (rung, sample) => rung with { Crf = sample.Crf })],
                options.Preset,
                options.Threads,
                PathOf
            );
            await ffmpeg.RunAsync(recipe, Report, cancellation);
            var compared = await meter.CompareAsync(
                source.Path,
                command.Source,
                excerpts[i],
                command.SegmentSeconds,
                [.. Enumerable.Range(0, rungs.Count).Select(PathOf)],
                folder,
                Report,
                cancellation
            );
            for (var place = 0; place < rungs.Count; place++)
            {
                sums[place] += compared[place];
                bytes[place] += new FileInfo(PathOf(place)).Length;
            }
        }

        var seconds = excerpts.Sum(excerpt => excerpt.Seconds(rate));
        return new SourceAnalysed(
            command.VideoId,
            [
                .. command.Samples.Select(
                    (sample, i) =>
                        sample with
                        {
                            BitsPerSecond = (int)Math.Round(bytes[i] * 8 / seconds),
                            Ssim = Math.Round(sums[i].MeanSsim, 6),
                        }
                ),
            ],
            reporter.Worker,
            (reporter.Now - begun).TotalSeconds,
            reporter.Now
        );
    }

    /// <summary>What is encoded of a source.</summary>
    public static IReadOnlyList<Excerpt> Excerpts(SourceInfo source, double segmentSeconds)
    {
        var gops = (int)Math.Ceiling(source.DurationSeconds / segmentSeconds / GopsForOne);
        return Excerpt.Of(source, segmentSeconds, Math.Clamp(gops, 1, GopsMax), run: 1);
    }
}
