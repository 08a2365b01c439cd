using EventStream.Contracts;

namespace EventStream.Encode;

/// <summary>
/// The ladder of a title: the first rung is made at once; what the others are follows from an analysis that is sent
/// beside it. Where that is given up, the planned ladder holds.
/// </summary>
public sealed partial record EncodeJob
{
    /// <summary>The tasks of the picture that are sent with the plan.</summary>
    private static IEnumerable<string> AtOnce(IReadOnlyList<Rung> ladder, string first, JobRules rules) =>
        rules.Ladder.Samples(ladder).Count == 0 ? ladder.Select(rung => rung.Name) : [first, EncodeTasks.Analysis];

    /// <summary>The rungs that follow from the samples, or the planned ones where there are none.</summary>
    private IEnumerable<IMessage> ChooseLadder(
        EncodeTaskFinished finished,
        IReadOnlyList<LadderSample>? samples,
        JobRules rules,
        DateTimeOffset now
    )
    {
        if (Awaited(EncodeTasks.Analysis) is null)
            return [];
        var ladder = samples is null ? Ladder : rules.Ladder.Place(Ladder, samples);
        List<string> tasks = [.. ladder.Select(rung => rung.Name).Where(name => name != FirstRung)];
        var chosen = new EncodeLadderChosen(Id, ladder, tasks, now, samples);
        var job = Fold(finished).Fold(chosen);
        List<IMessage> all = [finished, chosen, .. tasks.Select(name => job.Command(name, rules))];
        if (!job.OpenTasks.Any())
            all.Add(job.AskForQuality(now) ?? job.Completed(now));
        return all;
    }

    /// <summary>The job goes on without the result of a by-product.</summary>
    private IEnumerable<IMessage> GiveUp(EncodeTaskFinished finished, JobRules rules, DateTimeOffset now) =>
        finished.Task == EncodeTasks.Analysis ? ChooseLadder(finished, null, rules, now) : Finish(finished, now);

    private AnalyseSource AnalysisCommand(JobTask task, JobRules rules) =>
        new(Id, SourceKey, Source!, Ladder, rules.Ladder.Samples(Ladder), SegmentSeconds, task.SentAt, task.Attempt);

    private EncodeJob LadderChosen(EncodeLadderChosen chosen) =>
        this with
        {
            Ladder = chosen.Ladder,
            Tasks = WaitingSince(chosen.Tasks, chosen.ChosenAt),
        };
}
