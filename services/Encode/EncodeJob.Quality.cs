using EventStream.Contracts;

namespace EventStream.Encode;

/// <summary>
/// The measurement of quality: a task that is sent when everything else is done, so that it delays nothing, and that
/// decides over nothing.
/// </summary>
public sealed partial record EncodeJob
{
    /// <summary>The command, or null where it was sent before.</summary>
    private IMessage? AskForQuality(DateTimeOffset now) =>
        Tasks.ContainsKey(EncodeTasks.Quality) || Source is null ? null : QualityCommand(now, 1);

    /// <summary>The end of the job. What was measured after the last rendition does not count as encoding.</summary>
    private IMessage Completed(DateTimeOffset now)
    {
        var made = MadeAt ?? now;
        return new EncodeCompleted(Id, (made - (PlannedAt ?? made)).TotalSeconds, now);
    }

    private MeasureQuality QualityCommand(DateTimeOffset at, int attempt) =>
        new(Id, SourceKey, Source!, Ladder, SegmentSeconds, at, attempt);

    private EncodeJob QualityAsked(MeasureQuality command) =>
        With(new JobTask(EncodeTasks.Quality, TaskPhase.Waiting, command.Attempt, command.RequestedAt)) with
        {
            MadeAt = MadeAt ?? command.RequestedAt,
        };
}
