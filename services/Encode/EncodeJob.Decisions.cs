using EventStream.Contracts;
using EventStream.Encode.Ladder;

namespace EventStream.Encode;

/// <summary>The last heartbeat of a running task: the attempt, its worker, and when it was received.</summary>
public sealed record Heartbeat(int Attempt, string Worker, DateTimeOffset ReceivedAt);

/// <summary>
/// How long a task may be silent: one that runs, and one that waits for a worker. The second is doubled each time its
/// command is sent again.
/// </summary>
public sealed record SilenceBounds(TimeSpan Running, TimeSpan Waiting)
{
    /// <summary>The wait is doubled so often at most, so that it stays a number of hours.</summary>
    public const int DoublingsMax = 6;

    /// <summary>The bound of a task whose command was sent again <paramref name="waits"/> times.</summary>
    public TimeSpan WaitingAfter(int waits) => Waiting * Math.Pow(2, Math.Min(waits, DoublingsMax));
}

/// <summary>The decisions: pure, and nothing to decide where a report was seen before.</summary>
public sealed partial record EncodeJob
{
    /// <summary>The commands and facts that follow from a report, or from a video's upload.</summary>
    public IEnumerable<IMessage> Decide(IMessage message, JobRules rules, DateTimeOffset now) =>
        message switch
        {
            VideoUploaded e => Phase == JobPhase.None
                ? [new ProbeSource(e.VideoId, e.SourceKey, now, Sha256: ChecksumOf(e))]
                : [],
            VideoDeleted e => Stop("The publisher deleted the video.", rules, e.DeletedAt),
            VideoEncodeCancelled e => Stop("The publisher cancelled the encoding.", rules, e.CancelledAt),
            SourceProbed e => Phase == JobPhase.Probing ? Plan(e, rules, now) : [],
            SourceRejected e => Phase == JobPhase.Probing
                ? [new EncodeStopped(Id, EncodeTasks.Probe, Rejected: true, e.Reason, e.RejectedAt)]
                : [],
            RenditionEncoded e => Finish(new(e.VideoId, e.TaskName(), e.Worker, e.EncodedAt), rules, now),
            ChunkEncoded e => Finish(new(e.VideoId, e.Task, e.Worker, e.EncodedAt), rules, now),
            ThumbnailsMade e => Finish(new(e.VideoId, EncodeTasks.Thumbnails, e.Worker, e.MadeAt), rules, now),
            SubtitlesMade e => Finish(new(e.VideoId, EncodeTasks.Subtitles, e.Worker, e.MadeAt), rules, now),
            SourceAnalysed e => ChooseLadder(
                new(e.VideoId, EncodeTasks.Analysis, e.Worker, e.AnalysedAt),
                e.Samples,
                rules,
                now
            ),
            QualityMeasured e => Finish(new(e.VideoId, EncodeTasks.Quality, e.Worker, e.MeasuredAt), rules, now),
            EncodeTaskFailed e => Awaited(e.Task) is { } task && task.Attempt == e.Attempt
                ? Retry(task, e, rules, now)
                : [],
            _ => [],
        };

    /// <summary>
    /// What follows from silence. A running task is sent as another attempt, until they are used up. A waiting one is
    /// sent as the same attempt, since a long queue is no fault of the video.
    /// </summary>
    public IEnumerable<IMessage> DecideStalled(
        Func<string, Heartbeat?> heartbeatOf,
        SilenceBounds bounds,
        JobRules rules,
        DateTimeOffset now
    )
    {
        var job = this;
        foreach (var task in DueTasks)
        {
            var heartbeat = heartbeatOf(task.Name);
            var running = heartbeat is not null && heartbeat.Attempt >= task.Attempt;
            var last = running && heartbeat!.ReceivedAt > task.SentAt ? heartbeat.ReceivedAt : task.SentAt;
            if (now - last < (running ? bounds.Running : bounds.WaitingAfter(task.Waits)))
                continue;
            var doing = running ? $"running on {heartbeat!.Worker}" : "waiting";
            var reason = $"no news for {(now - last).TotalSeconds:0} s while it was {doing}";
            if (running && task.Attempt >= rules.MaxAttempts)
            {
                if (IsByProduct(task.Name))
                {
                    var finished = new EncodeTaskFinished(Id, task.Name, PlannerName, now, reason);
                    foreach (var message in job.GiveUp(finished, rules, now).ToList())
                    {
                        job = job.Fold(message);
                        yield return message;
                    }

                    continue;
                }

                yield return new EncodeTaskFailed(Id, task.Name, PlannerName, task.Attempt, reason, false, now);
                yield break;
            }

            foreach (var sent in Resend(task, running ? task.Attempt + 1 : task.Attempt, reason, rules, now))
                yield return sent;
        }
    }

    /// <summary>
    /// The commands that were held, once the video can be played, or that of the quality, once all is made; none where
    /// nothing is held.
    /// </summary>
    public IEnumerable<IMessage> DecideRelease(JobRules rules, DateTimeOffset now) =>
        !IsHeld ? []
        : IsUnmeasured ? [QualityCommand(now, 1)]
        : Tasks
            .Values.Where(task => task.Phase == TaskPhase.Planned && !AwaitsChunks(task) && !AwaitsOthers(task))
            .OrderBy(OrderOf)
            .Select(task => With(task with { SentAt = now }).Command(task.Name, rules));

    /// <summary>
    /// The plan, then the command of the first rung and the main sound: nothing else takes their time. Of a long source
    /// they are two, of the first chunk and of the sound.
    /// </summary>
    private IEnumerable<IMessage> Plan(SourceProbed probed, JobRules rules, DateTimeOffset now)
    {
        var ladder = rules.Ladder.Choose(probed.Source);
        var first = StandardLadder.First(ladder).Name;
        IReadOnlyList<Rung> deferred = [];
        // Where an analysis follows, it says which rungs there are.
        if (rules.Ladder.Samples(ladder).Count == 0)
            (ladder, deferred) = Split(ladder, first, rules);
        var segments = rules.Chunks?.SegmentsOf(probed.Source, rules.SegmentSeconds);
        var planned = this with
        {
            Source = probed.Source,
            SegmentSeconds = rules.SegmentSeconds,
            ChunkSegments = segments,
        };
        List<string> tasks = [.. planned.RungTasks([first]), .. planned.AfterFirst(ladder, first, rules)];
        if (segments is not null && HasSound(probed.Source))
            tasks.Add(EncodeTasks.Audio);
        // Sources that were probed before sounds were chosen have one or none.
        var sounds = probed.Source.Sounds?.Count ?? (HasSound(probed.Source) ? 1 : 0);
        tasks.AddRange(Enumerable.Range(0, sounds).Skip(1).Select(EncodeTasks.AudioAt));
        if (probed.Source.Texts is { Count: > 0 })
            tasks.Add(EncodeTasks.Subtitles);
        tasks.Add(EncodeTasks.Thumbnails);
        if (rules.HighRange)
            tasks.AddRange(HighRangeLadder.Choose(probed.Source).Select(rung => rung.Name));
        tasks.AddRange(rules.Further ?? []);
        var finished = new EncodeTaskFinished(Id, EncodeTasks.Probe, probed.Worker, probed.ProbedAt);
        var plan = new EncodePlanned(Id, ladder, first, rules.SegmentSeconds, tasks, now, segments);
        var job = Fold(finished).Fold(plan) with { Source = probed.Source with { Sha256 = Sha256 } };
        return [finished, plan, .. Deferring(deferred, now), .. job.Beginning.Select(name => job.Command(name, rules))];
    }

    /// <summary>The job ends at once, as what it was where only the quality is open.</summary>
    private IEnumerable<IMessage> Stop(string reason, JobRules rules, DateTimeOffset at) =>
        !Open ? []
        : OpenTasks.FirstOrDefault(task => task.Name != EncodeTasks.Quality) is { } task
            ? [new EncodeStopped(Id, task.Name, Rejected: false, reason, at)]
        : IsUnmeasured ? [Completed(at)]
        : Finish(new(Id, EncodeTasks.Quality, PlannerName, at, reason), rules, at);

    /// <summary>The SHA-256 of an upload; null where it is none, as in records that were made by hand.</summary>
    private static string? ChecksumOf(VideoUploaded uploaded) =>
        uploaded.Sha256.Length == 64 && uploaded.Sha256.All(char.IsAsciiHexDigitLower) ? uploaded.Sha256 : null;

    private IEnumerable<IMessage> Retry(JobTask task, EncodeTaskFailed failed, JobRules rules, DateTimeOffset now)
    {
        // The worker's report and the planner's bound must both allow another attempt.
        if (failed.WillRetry && task.Attempt < rules.MaxAttempts)
            return Resend(task, task.Attempt + 1, failed.Cause, rules, now);
        if (IsByProduct(task.Name))
            return GiveUp(new(Id, task.Name, failed.Worker, failed.FailedAt, failed.Cause), rules, now);
        return failed.WillRetry
            ? [failed with { WillRetry = false, Worker = PlannerName }]
            : [new EncodeStopped(Id, task.Name, Rejected: false, failed.Cause, failed.FailedAt)];
    }

    private IEnumerable<IMessage> Resend(JobTask task, int attempt, string reason, JobRules rules, DateTimeOffset now)
    {
        var resent = new EncodeTaskResent(Id, task.Name, attempt, reason, now);
        return [resent, Fold(resent).Command(task.Name, rules)];
    }

    /// <summary>The result, and what it brings: the commands that waited for it, or the end of the job.</summary>
    private IEnumerable<IMessage> Finish(EncodeTaskFinished finished, JobRules rules, DateTimeOffset now)
    {
        if (Awaited(finished.Task) is null)
            yield break;
        yield return finished;
        var after = Fold(finished);
        if (after.OpenTasks.Any(task => !after.IsNextLadder(task)) && (after.IsBeginning || !IsBeginning))
        {
            foreach (var join in after.Join(finished.Task, rules, now))
                yield return join;
            yield break;
        }

        foreach (var next in after.Next(rules, now))
            yield return next;
    }

    /// <summary>The commands that waited for what is done, the quality after them, and the end of the job.</summary>
    private IEnumerable<IMessage> Next(JobRules rules, DateTimeOffset now) =>
        Phase == JobPhase.Completed ? []
        : !OpenTasks.Any() && Tasks.ContainsKey(EncodeTasks.Quality) ? [Completed(now)]
        : rules.Hold ? []
        : DecideRelease(rules, now);

    /// <summary>The command of a task's current attempt.</summary>
    private ICommand Command(string name, JobRules rules)
    {
        var (task, prefix) = (Tasks[name], EncodeTasks.OutputPrefix(Id, name));
        return name switch
        {
            EncodeTasks.Probe => new ProbeSource(Id, SourceKey, task.SentAt, task.Attempt, Sha256),
            EncodeTasks.Thumbnails => new MakeThumbnails(Id, SourceKey, Source!, prefix, task.SentAt, task.Attempt),
            EncodeTasks.Analysis => AnalysisCommand(task, rules),
            EncodeTasks.Quality => QualityCommand(task.SentAt, task.Attempt),
            EncodeTasks.Subtitles => new MakeSubtitles(Id, SourceKey, Source!, prefix, task.SentAt, task.Attempt),
            _ when VideoRange.IsTask(name) => new EncodeHighRange(
                Id,
                SourceKey,
                Source!,
                HighRangeLadder.Choose(Source!).First(rung => rung.Name == name),
                SegmentSeconds,
                prefix,
                task.SentAt,
                task.Attempt
            ),
            _ when PictureCodec.IsTask(name) => LadderCommand(task, rules),
            _ when EncodeTasks.AudioPlace(name) is { } place => new EncodeAudio(
                Id,
                SourceKey,
                Source!,
                rules.AudioBitsPerSecond,
                SegmentSeconds,
                prefix,
                task.SentAt,
                task.Attempt,
                Source!.Sounds?[place],
                place == 0 ? null : name
            ),
            _ when Joins(name) => JoinCommand(task),
            _ => RungCommand(task, rules),
        };
    }

    private EncodeRung RungCommand(JobTask task, JobRules rules)
    {
        var chunk = ChunkSegments is null ? null : EncodeTasks.ChunkOf(task.Name);
        var name = chunk?.Join ?? task.Name;
        var first = name == FirstRung;
        var rungs = RungsOf(name).ToList();
        // Jobs of an earlier program, and those of chunks, have a task for the main sound.
        var sound = first && HasSound(Source!) && !Tasks.ContainsKey(EncodeTasks.Audio);
        return new EncodeRung(
            Id,
            SourceKey,
            Source!,
            rungs[0],
            SegmentSeconds,
            PrefixOf(rungs[0].Name),
            task.SentAt,
            task.Attempt,
            first ? true : null,
            rungs.Count > 1 ? rungs[1..] : null,
            sound ? rules.AudioBitsPerSecond : null,
            chunk is not null || name == EncodeRung.Together ? task.Name : null,
            chunk is { } part ? Chunks()[part.Number - 1] : null
        );
    }

    private bool IsByProduct(string task) => EncodeTasks.IsByProduct(task) || IsDeferred(task);

    private static bool HasSound(SourceInfo source) => source.AudioCodec is not null;

    /// <summary>A task whose result is still awaited.</summary>
    private JobTask? Awaited(string name) =>
        Open && Tasks.TryGetValue(name, out var task) && !task.IsSettled ? task : null;
}
