using EventStream.Contracts;
using EventStream.Encode.Ladder;

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

/// <summary>How much work the tasks of a job are, and when it came.</summary>
public sealed partial record EncodeJob
{
    /// <summary>Encoding a pixel costs so many times the decoding of one, with x264's preset <c>veryfast</c>.</summary>
    private const double EncodedPixel = 6;

    /// <summary>Pixels that two cores decode in a second.</summary>
    private const double PixelsPerSecond = 500e6;

    /// <summary>Sounds, texts and probes read the file and compute little.</summary>
    private const double SecondsMin = 0.5;

    /// <summary>The lane of a task.</summary>
    public string LaneOf(string task) =>
        task is EncodeTasks.Probe or EncodeTasks.Audio || task == FirstRung ? EncodeLanes.Fast : EncodeLanes.Heavy;

    /// <summary>The rungs that a task makes; none for other tasks.</summary>
    public IEnumerable<Rung> RungsOf(string task) =>
        PictureCodec.IsTask(task)
            ? CodecLadder.Of(task, Ladder)
            : Ladder.Where(rung => task == EncodeRung.Together ? rung.Name != FirstRung : rung.Name == task);

    /// <summary>
    /// Seconds that a task would take a worker on two cores, by the pixels that it reads and writes. Workers on other
    /// machines differ from that by a factor, which <see cref="Planner.LanePace"/> learns.
    /// </summary>
    public double SecondsOf(string task)
    {
        if (Source is not { } source)
            return SecondsMin;
        var frames = source.DurationSeconds * source.FramesPerSecond;
        var written = RungsOf(task).Sum(rung => frames * rung.Width * rung.Height);
        var read = written > 0 || task == EncodeTasks.Thumbnails ? frames * source.Width * source.Height : 0;
        return Math.Max(SecondsMin, (read + (EncodedPixel * CodecLadder.CostOf(task) * written)) / PixelsPerSecond);
    }

    /// <summary>
    /// When the work of a task became known: with the upload, with the plan, or when another attempt was sent. Null
    /// where the command of another attempt was sent again, which is no more work.
    /// </summary>
    public DateTimeOffset? ArrivalOf(JobTask task) =>
        task.Attempt == 1 ? (task.Name == EncodeTasks.Probe ? OpenedAt : PlannedAt)
        : task.Waits == 0 ? task.SentAt
        : null;
}
