using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using EventStream.Encode.Worker;
using EventStream.Media;
using EventStream.Processes;

namespace EventStream.Encode.Quality;

/// <summary>Measures the stored renditions of a video against its source, in excerpts of bounded length.</summary>
public sealed class QualityWork(IMediaStore media, QualityMeter meter)
{
    /// <summary>Most GOPs of a video that are compared; 24 seconds where a segment has two.</summary>
    public const int GopsMax = 12;

    /// <summary>GOPs of one excerpt of a longer video.</summary>
    public const int GopsOfExcerpt = 2;

    /// <summary>
    /// Most renditions that are compared in one reading of the source: each one is decoded beside it, in memory of its
    /// own.
    /// </summary>
    public const int RungsAtOnceMax = 8;

    /// <summary>
    /// Measures. Throws <see cref="MediaNotFoundException"/>, <see cref="ProgramFailedException"/> or
    /// <see cref="IOException"/> where a rendition is gone or cannot be compared.
    /// </summary>
    public async Task<QualityMeasured> DoAsync(
        MeasureQuality command,
        string folder,
        TaskReporter reporter,
        CancellationToken cancellation
    )
    {
        using var source = await media.FetchAsync(command.SourceKey, cancellation);
        var rate = FrameRate.FromHz(command.Source.FramesPerSecond);
        var excerpts = Excerpts(command.Source, command.SegmentSeconds);
        var sums = new QualitySum[command.Rungs.Count];
        for (var i = 0; i < excerpts.Count; i++)
        {
            for (var first = 0; first < sums.Length; first += RungsAtOnceMax)
            {
                var files = new List<string>();
                foreach (var rung in command.Rungs.Skip(first).Take(RungsAtOnceMax))
                    files.Add(await JoinAsync(command, rung.Name, excerpts[i], folder, cancellation));
                var found = await meter.CompareAsync(
                    source.Path,
                    command.Source,
                    excerpts[i],
                    command.SegmentSeconds,
                    files,
                    folder,
                    progress => reporter.Progress((double)i / excerpts.Count, progress.Speed, cancellation),
                    cancellation
                );
                for (var rung = 0; rung < found.Count; rung++)
                    sums[first + rung] += found[rung];
            }
        }

        var seconds = Math.Round(excerpts.Sum(excerpt => excerpt.Seconds(rate)), 3);
        return new QualityMeasured(
            command.VideoId,
            [.. command.Rungs.Zip(sums, (rung, sum) => Quality(rung.Name, sum, seconds))],
            reporter.Worker,
            reporter.Now
        );
    }

    /// <summary>What is compared of a source.</summary>
    public static IReadOnlyList<Excerpt> Excerpts(SourceInfo source, double segmentSeconds) =>
        Excerpt.Of(source, segmentSeconds, GopsMax, GopsOfExcerpt);

    private static RenditionQuality Quality(string name, QualitySum sum, double seconds) =>
        sum.Frames > 0
            ? new(name, Math.Round(sum.MeanSsim, 6), Math.Round(sum.PsnrDb, 3), sum.Frames, seconds)
            : throw new IOException($"No frame of {name} could be compared with the source.");

    /// <summary>
    /// The segments of an excerpt in one file behind their initialization. Each segment is a GOP; the last one may hold
    /// the short GOP of the end besides.
    /// </summary>
    private async Task<string> JoinAsync(
        MeasureQuality command,
        string rung,
        Excerpt excerpt,
        string folder,
        CancellationToken cancellation
    )
    {
        var prefix = EncodeTasks.OutputPrefix(command.VideoId, rung);
        var path = Path.Combine(folder, $"{rung}.mp4");
        await using var joined = File.Create(path);
        async Task AppendAsync(string name)
        {
            await using var part = await media.OpenReadAsync($"{prefix}/{name}", cancellation);
            await part.CopyToAsync(joined, cancellation);
        }

        await AppendAsync(MediaPlaylist.InitName);
        for (var number = excerpt.FirstGop + 1; number <= excerpt.FirstGop + excerpt.Gops; number++)
        {
            var name = MediaPlaylist.SegmentName(number);
            // The end of a video may have joined the segment before it.
            if (number > 1 && await media.StatAsync($"{prefix}/{name}", cancellation) is null)
                break;
            await AppendAsync(name);
        }

        return path;
    }
}
