using System.Text.Json.Serialization;
using EventStream.Contracts;
using EventStream.Encode.Ladder;
using EventStream.Encode.Quality;

namespace EventStream.Encode;

/// <summary>The lanes that workers take tasks from; the names are part of those of load series.</summary>
public static class EncodeLanes
{
    /// <summary>What makes a video playable: its probe, its first rung and its main sound.</summary>
    public const string Fast = "fast";

    /// <summary>The other tasks.</summary>
    public const string Heavy = "heavy";

    public static readonly IReadOnlyList<string> All = [Fast, Heavy];
}

/// <summary>How much work the tasks of a job are, and which are known.</summary>
public sealed partial record EncodeJob
{
    /// <summary>Encoding a pixel costs so many times the decoding of one, with x264's preset <c>veryfast</c>.</summary>
    private const double EncodedPixel = 6;

    /// <summary>The same with x265 in ten bits.</summary>
    private const double EncodedHighRangePixel = 30;

    /// <summary>The same of decoding, scaling and comparing one.</summary>
    private const double ComparedPixel = 4;

    /// <summary>Pixels that two cores decode in a second.</summary>
    private const double PixelsPerSecond = 500e6;

    /// <summary>Sounds, texts and probes read the file and compute little.</summary>
    private const double SecondsMin = 0.5;

    /// <summary>
    /// The tasks that there are and, while an analysis is open, the rungs that follow it, as they were planned before
    /// it.
    /// </summary>
    [JsonIgnore]
    public IEnumerable<JobTask> KnownTasks =>
        PlannedAt is { } at && Awaited(EncodeTasks.Analysis) is not null
            ? Tasks.Values.Append(new JobTask(EncodeRung.Together, TaskPhase.Planned, 1, at, KnownAt: at))
            : Tasks.Values;

    /// <summary>The lane of a task.</summary>
    public string LaneOf(string task) =>
        task is EncodeTasks.Probe or EncodeTasks.Audio || Beginning.Contains(task) || Joins(task)
            ? EncodeLanes.Fast
            : EncodeLanes.Heavy;

    /// <summary>The rungs that a task makes, or a chunk of them; none for other tasks.</summary>
    public IEnumerable<Rung> RungsOf(string task)
    {
        if (PictureCodec.IsTask(task))
            return CodecLadder.Of(task, [.. Ladder.Where(rung => !IsDeferred(rung.Name))]);
        if (VideoRange.IsTask(task))
            return HighRangeLadder.Choose(Source!).Where(rung => rung.Name == task);
        var name = ChunkSegments is null ? task : EncodeTasks.ChunkOf(task)?.Join ?? task;
        return Ladder.Where(rung =>
            name == EncodeRung.Together ? rung.Name != FirstRung && !IsDeferred(rung.Name) : rung.Name == name
        );
    }

    /// <summary>
    /// Seconds that a task would take a worker on two cores, by the pixels that it reads, writes and compares. Workers
    /// on other machines differ from that by a factor, which <see cref="Planner.LanePace"/> learns.
    /// </summary>
    public double SecondsOf(string task)
    {
        if (Source is not { } source || Joins(task))
            return SecondsMin;
        var (all, read) = (source.DurationSeconds, (double)source.Width * source.Height);
        var parts = ChunkSegments is null || EncodeTasks.ChunkOf(task) is null ? 1 : ChunkCount ?? 1;
        var (seconds, pixels) = task switch
        {
            EncodeTasks.Thumbnails => (all, read),
            EncodeTasks.Quality => (
                Length(QualityWork.Excerpts(source, SegmentSeconds)),
                read + (ComparedPixel * Pixels(Ladder))
            ),
            // Each rung at a few qualities, and the source once for encoding and once for comparing.
            EncodeTasks.Analysis => (
                Length(AnalysisWork.Excerpts(source, SegmentSeconds)),
                (2 * read) + (PerTitleLadder.SampleCrfs.Count * (EncodedPixel + ComparedPixel) * Pixels(Ladder))
            ),
            _ when VideoRange.IsTask(task) => (all, read + (EncodedHighRangePixel * Pixels(RungsOf(task)))),
            _ when RungsOf(task).Any() => (
                all / parts,
                read + (EncodedPixel * CodecLadder.CostOf(task) * Pixels(RungsOf(task)))
            ),
            _ => (0, 0),
        };
        return Math.Max(SecondsMin, seconds * source.FramesPerSecond * pixels / PixelsPerSecond);

        double Length(IEnumerable<Excerpt> excerpts) =>
            excerpts.Sum(excerpt => excerpt.Frames) / source.FramesPerSecond;
        static double Pixels(IEnumerable<Rung> rungs) => rungs.Sum(rung => (double)rung.Width * rung.Height);
    }
}
