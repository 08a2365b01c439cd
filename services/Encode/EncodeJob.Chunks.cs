using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;

namespace EventStream.Encode;

/// <summary>From which length on sources are encoded in chunks, and how long a chunk is; in seconds.</summary>
public sealed record ChunkRules(double FromSeconds, double Seconds)
{
    /// <summary>Times of a longer video, in ticks of a track, do not fit the boxes that a packager writes.</summary>
    private const double SourceSecondsMax = 12 * 3600;

    /// <summary>
    /// So much of a chunk may at most be decoded for nothing before it, because decoding begins at a key frame.
    /// </summary>
    private const double LeadMax = 0.25;

    /// <summary>Most chunks of a source; where it is longer they are longer.</summary>
    public const int ChunksMax = 240;

    /// <summary>Segments of a chunk of this source; null where it is encoded whole.</summary>
    public int? SegmentsOf(SourceInfo source, double segmentSeconds)
    {
        var gop = FrameRate.FromHz(source.FramesPerSecond).GopSeconds(segmentSeconds);
        var least = Math.Ceiling(source.DurationSeconds / gop / ChunksMax);
        var segments = (int)Math.Max(Math.Max(1, least), Math.Round(Seconds / gop));
        return
            source is { StartSeconds: not null, KeyFrameSeconds: { } gap, DurationSeconds: <= SourceSecondsMax }
            && source.DurationSeconds >= FromSeconds
            && gap <= Seconds * LeadMax
            && CountOf(source, segmentSeconds, segments) > 1
            ? segments
            : null;
    }

    /// <summary>The number of chunks of a measured source, of <paramref name="segments"/> segments each.</summary>
    public static int CountOf(SourceInfo source, double segmentSeconds, int segments)
    {
        var rate = FrameRate.FromHz(source.FramesPerSecond);
        var frames = PlayedPart.Of(source)?.Frames(rate) ?? 0;
        // Whole segments: what remains is never a chunk of its own.
        return Math.Max(1, frames / rate.FramesPerGop(segmentSeconds) / segments);
    }

    /// <summary>These chunks; the last one takes the rest.</summary>
    public static IReadOnlyList<RungChunk> Of(SourceInfo source, double segmentSeconds, int segments)
    {
        var count = CountOf(source, segmentSeconds, segments);
        return
        [
            .. Enumerable
                .Range(1, count)
                .Select(number => new RungChunk(
                    number,
                    count,
                    ((number - 1) * segments) + 1,
                    number < count ? segments : null
                )),
        ];
    }
}

/// <summary>Jobs of long sources: each rung is made in chunks, which one more task joins.</summary>
public sealed partial record EncodeJob
{
    /// <summary>The tasks that make the video playable.</summary>
    private IEnumerable<string> Beginning =>
        ChunkSegments is null ? [FirstRung]
        : Tasks.ContainsKey(EncodeTasks.Audio) ? [EncodeTasks.ChunkAt(FirstRung, 1), EncodeTasks.Audio]
        : [EncodeTasks.ChunkAt(FirstRung, 1)];

    /// <summary>Whether a task joins chunks.</summary>
    public bool Joins(string task) => ChunkSegments is not null && Tasks.ContainsKey(EncodeTasks.ChunkAt(task, 1));

    /// <summary>Whether a task joins chunks that are not all done.</summary>
    private bool AwaitsChunks(JobTask task) =>
        Joins(task.Name)
        && Tasks.Values.Any(chunk =>
            chunk.Phase != TaskPhase.Done && EncodeTasks.ChunkOf(chunk.Name)?.Join == task.Name
        );

    /// <summary>The tasks that make rungs: where there are chunks, those of each and the one that joins them.</summary>
    private IEnumerable<string> RungTasks(IEnumerable<string> rungs) =>
        rungs.SelectMany(rung =>
            Enumerable.Range(1, ChunkCount ?? 0).Select(number => EncodeTasks.ChunkAt(rung, number)).Append(rung)
        );

    /// <summary>
    /// In which order tasks are sent: what takes little, then the first rung, for which viewers wait, then the others,
    /// from their begin to their end, and last what no video waits for. A partition hands over one after the other.
    /// </summary>
    private (int Lane, int Chunk) OrderOf(JobTask task) =>
        VideoRange.IsTask(task.Name) ? (3, 0)
        : EncodeTasks.ChunkOf(task.Name) is { } chunk ? (chunk.Join == FirstRung ? 1 : 2, chunk.Number)
        : (0, 0);

    /// <summary>The command that joins the chunks of a task whose last one is done.</summary>
    private IEnumerable<IMessage> Join(string chunk, JobRules rules, DateTimeOffset now) =>
        ChunkSegments is not null
        && EncodeTasks.ChunkOf(chunk) is { } made
        && Tasks[made.Join] is { Phase: TaskPhase.Planned } join
        && !AwaitsChunks(join)
            ? [With(join with { SentAt = now }).Command(join.Name, rules)]
            : [];

    private JoinChunks JoinCommand(JobTask task) =>
        new(Id, [.. RungsOf(task.Name)], ChunkCount!.Value, task.Name, task.SentAt, task.Attempt);

    private IReadOnlyList<RungChunk> Chunks() => ChunkRules.Of(Source!, SegmentSeconds, ChunkSegments!.Value);

    /// <summary>How many chunks each rung has; null where the source is encoded whole.</summary>
    private int? ChunkCount =>
        ChunkSegments is { } segments && Source is { } source
            ? ChunkRules.CountOf(source, SegmentSeconds, segments)
            : null;
}
