using EventStream.Contracts;

namespace EventStream.Encode;

/// <summary>
/// The measurement of quality: a task that is sent when everything else is done, so that it delays nothing, and that
/// decides over nothing.
/// </summary>
public sealed partial record EncodeJob
{
    /// <summary>Whether all is made and the command of the quality is not sent yet.</summary>
    private bool IsUnmeasured =>
        Phase == JobPhase.Encoding && !OpenTasks.Any() && !Tasks.ContainsKey(EncodeTasks.Quality);

    /// <summary>The end of the job. What was measured after the last rendition does not count as encoding.</summary>
    private EncodeCompleted Completed(DateTimeOffset now)
    {
        var made = MadeAt ?? now;
        return new EncodeCompleted(Id, (made - (PlannedAt ?? made)).TotalSeconds, now);
    }

    private MeasureQuality QualityCommand(DateTimeOffset at, int attempt) =>
        new(Id, SourceKey, Source!, [.. Ladder, .. FurtherRungs], SegmentSeconds, at, attempt);

    private EncodeJob QualityAsked(MeasureQuality command)
    {
        if (Tasks.ContainsKey(EncodeTasks.Quality))
            return Sent(command);
        var at = command.RequestedAt;
        return With(new JobTask(EncodeTasks.Quality, TaskPhase.Waiting, command.Attempt, at, KnownAt: at)) with
        {
            MadeAt = MadeAt ?? at,
        };
    }
}
