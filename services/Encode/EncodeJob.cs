using System.Collections.Immutable;
using EventStream.Contracts;
using EventStream.Encode.Ladder;
using EventStream.EventStore;

namespace EventStream.Encode;

/// <summary>Where a job is.</summary>
public enum JobPhase
{
    None,
    Probing,
    Encoding,
    Completed,
    Rejected,
    Failed,
}

/// <summary>Where a task is.</summary>
public enum TaskPhase
{
    Waiting,
    Running,
    Done,
    Failed,
}

/// <summary>
/// One task of a job. Attempts count from 1; <c>SentAt</c> and <c>StartedAt</c> are those of the current one.
/// <c>Waits</c> counts how often the command was sent again while nobody had started it.
/// </summary>
public sealed record JobTask(
    string Name, TaskPhase Phase, int Attempt, DateTimeOffset SentAt, DateTimeOffset? StartedAt =
        null, string? Worker = null,
    string? Cause = null, int Waits = 0);

/// <summary>
/// How a job is planned: the ladder policy, the length of a segment in seconds, and the bound on attempts.
/// </summary>
public sealed record JobRules(ILadderPolicy Ladder, double SegmentSeconds, int MaxAttempts);

/// <summary>
/// The encode job of one video: which tasks it has and how far each of them is. The state is folded from its stream
/// alone; <c>Decide</c> says which facts an arriving message adds to it, none when the message was seen before.
/// </summary>
public sealed record EncodeJob(VideoId VideoId)
{
    /// <summary>The name by which the planner reports a task that no worker can report on.</summary>
    public const string PlannerName = "planner";

    public static readonly EncodeJob None = new(default(VideoId));

    public JobPhase Phase { get; init; }
    public string SourceKey { get; init; } = "";
    public SourceInfo? Source { get; init; }
    public IReadOnlyList<Rung> Ladder { get; init; } = [];
    public string FirstRung { get; init; } = "";
    public double SegmentSeconds { get; init; }
    public ImmutableSortedDictionary<string, JobTask> Tasks { get; init; } =
        ImmutableSortedDictionary<string, JobTask>.Empty.WithComparers(StringComparer.Ordinal);
    public DateTimeOffset? OpenedAt { get; init; }
    public DateTimeOffset? PlannedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why the job was rejected or given up.</summary>
    public string? Trouble { get; init; }

    /// <summary>Whether something is still to be done.</summary>
    public bool Open => Phase is JobPhase.Probing or JobPhase.Encoding;

    /// <summary>The tasks that are not done.</summary>
    public IEnumerable<JobTask> OpenTasks => Open ? Tasks.Values.Where(task => task.Phase != TaskPhase.Done) : [];

    /// <summary>The folded state before the first event and the category of the streams.</summary>
    public static readonly Aggregate<EncodeJob> Aggregate = new("encode", None, Apply);

    public static EncodeJob Apply(EncodeJob job, IEvent fact) => fact switch
    {
        VideoUploaded e => Opened(e),
        SourceProbed e => job.Done(EncodeTasks.Probe) with { Source = e.Source },
        SourceRejected e => job.Failed(EncodeTasks.Probe, e.Reason) with
        {
            Phase = JobPhase.Rejected,
            Trouble = e.Reason,
            EndedAt = e.RejectedAt,
        },
        EncodePlanned e => Planned(job, e),
        EncodeTaskStarted e => job.With(job.Tasks[e.Task] with
        {
            Phase = TaskPhase.Running,
            Attempt = e.Attempt,
            Worker = e.Worker,
            StartedAt = e.StartedAt,
        }),
        RenditionEncoded e => job.Done(e.Rendition.Name),
        ThumbnailsMade => job.Done(EncodeTasks.Thumbnails),
        EncodeTaskFailed { WillRetry: true } e => job.With(job.Tasks[e.Task] with { Cause = e.Cause }),
        EncodeTaskFailed e => job.Failed(e.Task, e.Cause) with
        {
            Phase = JobPhase.Failed,
            Trouble = $"{e.Task}: {e.Cause}",
            EndedAt = e.FailedAt,
        },
        EncodeTaskResent e => job.With(new JobTask(
            e.Task, TaskPhase.Waiting, e.Attempt, e.SentAt, Cause: job.Tasks[e.Task].Cause,
            Waits: e.Attempt == job.Tasks[e.Task].Attempt ? job.Tasks[e.Task].Waits + 1 : 0)),
        EncodeCompleted e => job with { Phase = JobPhase.Completed, EndedAt = e.CompletedAt },
        _ => job,
    };

    /// <summary>The facts that a message adds to the job.</summary>
    public static IEnumerable<IEvent> Decide(EncodeJob job, IMessage message, JobRules rules, DateTimeOffset now) =>
        message switch
        {
            VideoUploaded e => job.Phase == JobPhase.None ? [e] : [],
            SourceProbed e => job.Phase == JobPhase.Probing ? [e, Plan(e, rules, now)] : [],
            SourceRejected e => job.Phase == JobPhase.Probing ? [e] : [],
            EncodeTaskStarted e => job.Awaits(e.Task) is { } task && IsNews(task, e) ? [e] : [],
            RenditionEncoded e => job.Awaits(e.Rendition.Name) is null ? [] : job.Finish(e, now),
            ThumbnailsMade e => job.Awaits(EncodeTasks.Thumbnails) is null ? [] : job.Finish(e, now),
            EncodeTaskFailed e =>
                job.Awaits(e.Task) is { } task && task.Attempt == e.Attempt ? Retry(task, e, rules, now) : [],
            _ => [],
        };

    /// <summary>
    /// The facts that follow from hearing nothing: <paramref name="lastHeard"/> tells when a task was last heard of.
    /// A started task has <paramref name="runningQuietMax"/>; one that waits has <paramref name="waitingQuietMax"/>,
    /// doubled each time it is sent, and that costs it no attempt, since a long queue is no fault of the video.
    /// </summary>
    public static IEnumerable<IEvent> DecideQuiet(
        EncodeJob job, Func<JobTask, DateTimeOffset> lastHeard, TimeSpan runningQuietMax, TimeSpan waitingQuietMax,
        JobRules rules, DateTimeOffset now)
    {
        foreach (var task in job.OpenTasks)
        {
            var running = task.Phase == TaskPhase.Running;
            // The exponent is bounded so that the wait stays a number of hours.
            var bound = running ? runningQuietMax : waitingQuietMax * Math.Pow(2, Math.Min(task.Waits, 6));
            var quiet = now - lastHeard(task);
            if (quiet < bound) continue;
            var doing = running ? $"running on {task.Worker}" : "waiting";
            var reason = $"no news for {quiet.TotalSeconds:0} s while it was {doing}";
            if (running && task.Attempt >= rules.MaxAttempts)
            {
                yield return new EncodeTaskFailed(job.VideoId, task.Name, PlannerName, task.Attempt, reason, false,
                    now);
                yield break;
            }

            var attempt = running ? task.Attempt + 1 : task.Attempt;
            yield return new EncodeTaskResent(job.VideoId, task.Name, attempt, reason, now);
        }
    }

    private static EncodeJob Opened(VideoUploaded uploaded)
    {
        var job = new EncodeJob(uploaded.VideoId) { Phase = JobPhase.Probing, SourceKey = uploaded.SourceKey };
        var probe = new JobTask(EncodeTasks.Probe, TaskPhase.Waiting, 1, uploaded.UploadedAt);
        return job.With(probe) with { OpenedAt = uploaded.UploadedAt };
    }

    private static EncodePlanned Plan(SourceProbed probed, JobRules rules, DateTimeOffset now)
    {
        var ladder = rules.Ladder.Choose(probed.Source);
        List<string> tasks = [.. ladder.Select(rung => rung.Name)];
        if (probed.Source.AudioCodec is not null) tasks.Add(EncodeTasks.Audio);
        tasks.Add(EncodeTasks.Thumbnails);
        return new EncodePlanned(
            probed.VideoId, ladder, StandardLadder.First(ladder).Name, rules.SegmentSeconds, tasks, now);
    }

    private static EncodeJob Planned(EncodeJob job, EncodePlanned plan) => job with
    {
        Phase = JobPhase.Encoding,
        Ladder = plan.Ladder,
        FirstRung = plan.FirstRung,
        SegmentSeconds = plan.SegmentSeconds,
        PlannedAt = plan.PlannedAt,
        Tasks = job.Tasks.AddRange(plan.Tasks.Select(name =>
            KeyValuePair.Create(name, new JobTask(name, TaskPhase.Waiting, 1, plan.PlannedAt)))),
    };

    /// <summary>A start is news unless it is late, or the same worker said it before.</summary>
    private static bool IsNews(JobTask task, EncodeTaskStarted started) =>
        started.Attempt >= task.Attempt && (task.Phase, task.Worker, task.StartedAt)
            != (TaskPhase.Running, started.Worker, started.StartedAt);

    private static IEnumerable<IEvent> Retry(JobTask task, EncodeTaskFailed failed, JobRules rules, DateTimeOffset now)
    {
        // The worker's word and the planner's bound must both allow another attempt.
        var again = failed.WillRetry && task.Attempt < rules.MaxAttempts;
        yield return failed with { WillRetry = again };
        if (again) yield return new EncodeTaskResent(failed.VideoId, task.Name, task.Attempt + 1, failed.Cause, now);
    }

    private IEnumerable<IEvent> Finish(IEvent outcome, DateTimeOffset now)
    {
        yield return outcome;
        if (Apply(this, outcome).OpenTasks.Any()) yield break;
        yield return new EncodeCompleted(VideoId, (now - (PlannedAt ?? now)).TotalSeconds, now);
    }

    private JobTask? Awaits(string name) =>
        Open && Tasks.TryGetValue(name, out var task) && task.Phase != TaskPhase.Done ? task : null;

    private EncodeJob Done(string name) => With(Tasks[name] with { Phase = TaskPhase.Done, Cause = null });

    /// <summary>The task that ended the job: nobody works on it any more.</summary>
    private EncodeJob Failed(string name, string cause) =>
        With(Tasks[name] with { Phase = TaskPhase.Failed, Cause = cause });

    private EncodeJob With(JobTask task) => this with { Tasks = Tasks.SetItem(task.Name, task) };
}
