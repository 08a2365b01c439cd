using EventStream.Contracts;

namespace EventStream.Encode;

/// <summary>
/// The ladder of a title: what the rungs after the first are may follow from an analysis, which is sent when that one
/// is done. Where the analysis is given up, the planned ladder holds.
/// </summary>
public sealed partial record EncodeJob
{
    /// <summary>The tasks of the picture that are planned beside the first rung.</summary>
    private IEnumerable<string> AfterFirst(IReadOnlyList<Rung> ladder, string first, JobRules rules) =>
        rules.Ladder.Samples(ladder).Count > 0 ? [EncodeTasks.Analysis] : Others(ladder, first, rules);

    /// <summary>
    /// The tasks of the rungs after the first: one for all of them, or one for each. Chunks of all of them are enough
    /// for any number of workers.
    /// </summary>
    private IEnumerable<string> Others(IReadOnlyList<Rung> ladder, string first, JobRules rules)
    {
        List<string> others = [.. ladder.Select(rung => rung.Name).Where(name => name != first)];
        var together = others.Count > 1 && (ChunkSegments is not null || !rules.TaskPerRung);
        return RungTasks(together ? [EncodeRung.Together] : others);
    }

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
        var whole = samples is null ? Ladder : rules.Ladder.Place(Ladder, samples);
        var (ladder, deferred) = Split(whole, FirstRung, rules);
        var chosen = new EncodeLadderChosen(Id, ladder, [.. Others(ladder, FirstRung, rules)], now, samples);
        return [finished, chosen, .. Deferring(deferred, now), .. Fold(finished).Fold(chosen).Next(rules, now)];
    }

    /// <summary>The job goes on without the result of a by-product.</summary>
    private IEnumerable<IMessage> GiveUp(EncodeTaskFinished finished, JobRules rules, DateTimeOffset now) =>
        finished.Task == EncodeTasks.Analysis ? ChooseLadder(finished, null, rules, now) : Finish(finished, rules, now);

    private AnalyseSource AnalysisCommand(JobTask task, JobRules rules) =>
        new(Id, SourceKey, Source!, Ladder, rules.Ladder.Samples(Ladder), SegmentSeconds, task.SentAt, task.Attempt);

    private EncodeJob LadderChosen(EncodeLadderChosen chosen) =>
        this with
        {
            Ladder = chosen.Ladder,
            Tasks = PlannedSince(chosen.Tasks, FirstRung, chosen.ChosenAt),
        };
}
