using EventStream.Contracts;
using EventStream.Encode.Ladder;

namespace EventStream.Encode;

/// <summary>
/// The further ladders: a task for each codec, sent when all that every device plays is made, so that they delay
/// nothing, and deciding over nothing. Their rungs follow from the ladder as it was chosen in the end.
/// </summary>
public sealed partial record EncodeJob
{
    /// <summary>The rungs of the further ladders that were made.</summary>
    private IEnumerable<Rung> FurtherRungs =>
        PictureCodec
            .Further.Where(codec => Tasks.GetValueOrDefault(codec)?.Phase == TaskPhase.Done)
            .SelectMany(RungsOf);

    /// <summary>Whether a task is a further ladder that is not sent yet.</summary>
    private static bool IsPlannedLadder(JobTask task) =>
        task.Phase == TaskPhase.Planned && PictureCodec.IsTask(task.Name);

    /// <summary>Whether it is one, and nothing is open that goes before it.</summary>
    private bool IsNextLadder(JobTask task) => IsPlannedLadder(task) && !AwaitsOthers(task);

    /// <summary>Whether it is one, and something is open that goes before it.</summary>
    private bool AwaitsOthers(JobTask task) =>
        IsPlannedLadder(task) && OpenTasks.Any(other => !PictureCodec.IsTask(other.Name));

    private EncodeLadder LadderCommand(JobTask task, JobRules rules) =>
        new(
            Id,
            SourceKey,
            Source!,
            task.Name,
            [.. RungsOf(task.Name)],
            SegmentSeconds,
            task.SentAt,
            task.Attempt,
            task.Name == PictureCodec.Vp9 && HasSound(Source!) ? CodecLadder.OpusBits(rules.AudioBitsPerSecond) : null
        );
}
