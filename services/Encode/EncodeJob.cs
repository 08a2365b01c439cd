using System.Collections.Immutable;
using System.Text.Json.Serialization;
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

/// <summary>
/// Where a task is. A planned one is not sent yet; that one runs is known from its worker's heartbeats only, not from
/// the job.
/// </summary>
public enum TaskPhase
{
    Planned,
    Waiting,
    Running,
    Done,
    Failed,
}

/// <summary>
/// One task of a job. Attempts count from 1; <c>SentAt</c> is that of the current one. <c>Waits</c> counts how often
/// the command was sent again while nobody had started it. <c>KnownAt</c> is when its work became known: with the
/// upload, with the plan, or with another attempt, and not when the same attempt was sent again.
/// </summary>
public sealed record JobTask(
    string Name,
    TaskPhase Phase,
    int Attempt,
    DateTimeOffset SentAt,
    string? Worker = null,
    string? Cause = null,
    int Waits = 0,
    DateTimeOffset? KnownAt = null
)
{
    /// <summary>Whether nothing of it is awaited any more.</summary>
    [JsonIgnore]
    public bool IsSettled => Phase is TaskPhase.Done or TaskPhase.Failed;
}

/// <summary>
/// How a job is planned: the ladder policy, the length of a segment in seconds, the bound on attempts, the bitrate of
/// the sound in bits per second, and whether each rung is a task, for many workers, or all after the first are one.
/// Rungs higher than <c>OnRequestAbove</c> pixels are made when a viewer comes; 0: none.
/// While <c>Hold</c>, the first rungs of other videos wait for a worker, and nothing is sent that would take theirs.
/// Without <c>Chunks</c> every source is encoded whole.
/// <c>Further</c> are the codecs of further ladders.
/// </summary>
public sealed record JobRules(
    ILadderPolicy Ladder,
    double SegmentSeconds,
    int MaxAttempts,
    int AudioBitsPerSecond,
    bool TaskPerRung = false,
    bool Hold = false,
    bool HighRange = false,
    int OnRequestAbove = 0,
    ChunkRules? Chunks = null,
    IReadOnlyList<string>? Further = null
);

/// <summary>
/// The encode job of one video: which tasks it has and how far each of them is. Its stream holds the commands that it
/// sent and its own facts; what workers and the upload report is decided on and not copied. <c>Decide</c> says which
/// messages follow from a report, none when it was seen before.
/// </summary>
public sealed partial record EncodeJob : IAggregate<EncodeJob>
{
    /// <summary>The name by which the planner reports a task that no worker can report on.</summary>
    public const string PlannerName = "planner";

    public VideoId Id { get; init; }
    public JobPhase Phase { get; init; }
    public string SourceKey { get; init; } = "";

    /// <summary>The checksum of the source, by which work on the same file is found again.</summary>
    public string? Sha256 { get; init; }
    public SourceInfo? Source { get; init; }
    public IReadOnlyList<Rung> Ladder { get; init; } = [];
    public string FirstRung { get; init; } = "";
    public double SegmentSeconds { get; init; }

    /// <summary>Segments of a chunk; null where the source is encoded whole.</summary>
    public int? ChunkSegments { get; init; }
    public ImmutableSortedDictionary<string, JobTask> Tasks { get; init; } =
        ImmutableSortedDictionary<string, JobTask>.Empty.WithComparers(StringComparer.Ordinal);
    public DateTimeOffset? OpenedAt { get; init; }
    public DateTimeOffset? PlannedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>When all was made that viewers get; its quality is measured after that.</summary>
    public DateTimeOffset? MadeAt { get; init; }

    /// <summary>Why the job was rejected or given up.</summary>
    public string? Trouble { get; init; }

    /// <summary>Whether something is still to be done; of a completed job, rungs on request.</summary>
    [JsonIgnore]
    public bool Open =>
        Phase is JobPhase.Probing or JobPhase.Encoding
        || (
            Phase == JobPhase.Completed
            && Deferred.Any(rung => Tasks.GetValueOrDefault(rung.Name) is { IsSettled: false })
        );

    /// <summary>The tasks that are neither done nor given up.</summary>
    [JsonIgnore]
    public IEnumerable<JobTask> OpenTasks => Open ? Tasks.Values.Where(task => !task.IsSettled) : [];

    /// <summary>
    /// Whether nothing is begun but what makes the video playable: it, or the probe before it, is not done.
    /// </summary>
    [JsonIgnore]
    public bool IsBeginning => Open && Beginning.Any(name => Tasks.GetValueOrDefault(name)?.Phase != TaskPhase.Done);

    /// <summary>Those that are sent, or would be if nothing held them.</summary>
    [JsonIgnore]
    public IEnumerable<JobTask> DueTasks
    {
        get
        {
            var begun = !IsBeginning;
            return OpenTasks.Where(task =>
                task.Phase != TaskPhase.Planned || (begun && !AwaitsChunks(task) && !AwaitsOthers(task))
            );
        }
    }

    /// <summary>
    /// Whether the video can be played and other tasks, or the one of the quality, are not sent yet.
    /// </summary>
    [JsonIgnore]
    public bool IsHeld =>
        IsUnmeasured
        || (
            !IsBeginning
            && OpenTasks.Any(task => task.Phase == TaskPhase.Planned && !AwaitsChunks(task) && !AwaitsOthers(task))
        );

    public EncodeJob Fold(IMessage message) =>
        message switch
        {
            ProbeSource c when Phase == JobPhase.None => Opened(c.VideoId, c.SourceKey, c.RequestedAt) with
            {
                Sha256 = c.Sha256,
            },
            ProbeSource c => Sent(c),
            EncodeRung c => Sent(c) with { Source = c.Source },
            JoinChunks c => Sent(c),
            EncodeHighRange c => Sent(c) with { Source = c.Source },
            EncodeLadder c => Sent(c) with { Source = c.Source },
            EncodeAudio c => Sent(c) with { Source = c.Source },
            MakeThumbnails c => Sent(c) with { Source = c.Source },
            MakeSubtitles c => Sent(c) with { Source = c.Source },
            AnalyseSource c => Sent(c) with { Source = c.Source },
            MeasureQuality c => QualityAsked(c),
            EncodePlanned e => Planned(e),
            EncodeLadderChosen e => LadderChosen(e),
            EncodeRungsDeferred e => this with { Deferred = e.Rungs },
            EncodeRungsRequested e => Requested(e),
            EncodeRungsEvicted e => Evicted(e),
            EncodeTaskResent e => Resent(e, Tasks[e.Task]),
            EncodeTaskFinished { Cause: { } cause } e => GivenUp(e.Task, cause),
            EncodeTaskFinished e => Done(e.Task, e.Worker),
            EncodeCompleted e => this with { Phase = JobPhase.Completed, EndedAt = e.CompletedAt },
            EncodeStopped e => e.Rejected
                ? Ended(JobPhase.Rejected, e.Task, e.Reason, e.Reason, e.StoppedAt)
                : Ended(JobPhase.Failed, e.Task, e.Reason, $"{e.Task}: {e.Reason}", e.StoppedAt),
            EncodeTaskFailed { WillRetry: false } e => Ended(
                JobPhase.Failed,
                e.Task,
                e.Cause,
                $"{e.Task}: {e.Cause}",
                e.FailedAt
            ),
            StreamTombstoned => this,
            _ => FoldFormer(message),
        };

    /// <summary>Streams of the former store hold copies of the reports, and no commands.</summary>
    private EncodeJob FoldFormer(IMessage message) =>
        message switch
        {
            VideoUploaded e => Opened(e.VideoId, e.SourceKey, e.UploadedAt),
            SourceProbed e => Done(EncodeTasks.Probe, e.Worker) with { Source = e.Source },
            SourceRejected e => Ended(JobPhase.Rejected, EncodeTasks.Probe, e.Reason, e.Reason, e.RejectedAt),
            EncodeTaskStarted => this,
            RenditionEncoded e => Done(e.TaskName(), e.Worker),
            ThumbnailsMade e => Done(EncodeTasks.Thumbnails, e.Worker),
            EncodeTaskFailed e => With(Tasks[e.Task] with { Cause = e.Cause }),
            _ => throw new InvalidOperationException($"A job's stream does not hold {message.GetType().Name}."),
        };

    private static EncodeJob Opened(VideoId video, string sourceKey, DateTimeOffset at) =>
        new EncodeJob
        {
            Id = video,
            Phase = JobPhase.Probing,
            SourceKey = sourceKey,
            OpenedAt = at,
        }.With(new JobTask(EncodeTasks.Probe, TaskPhase.Waiting, 1, at, KnownAt: at));

    private EncodeJob Planned(EncodePlanned plan) =>
        this with
        {
            Phase = JobPhase.Encoding,
            Ladder = plan.Ladder,
            FirstRung = plan.FirstRung,
            SegmentSeconds = plan.SegmentSeconds,
            ChunkSegments = plan.ChunkSegments,
            PlannedAt = plan.PlannedAt,
            Tasks = PlannedSince(plan.Tasks, plan.ChunkSegments is null ? plan.FirstRung : null, plan.PlannedAt),
        };

    /// <summary>
    /// The tasks with others, of which the first is sent with the plan, where it is one of them. Rungs that follow an
    /// analysis were known as work since the plan.
    /// </summary>
    private ImmutableSortedDictionary<string, JobTask> PlannedSince(
        IEnumerable<string> names,
        string? first,
        DateTimeOffset at
    ) =>
        Tasks.AddRange(
            names.Select(name =>
                KeyValuePair.Create(
                    name,
                    new JobTask(
                        name,
                        name == first ? TaskPhase.Waiting : TaskPhase.Planned,
                        1,
                        at,
                        KnownAt: PlannedAt ?? at
                    )
                )
            )
        );

    private EncodeJob Sent(ICommand command)
    {
        var (_, name, attempt, at) = EncodeTasks.Of(command);
        return With(Tasks[name] with { Phase = TaskPhase.Waiting, Attempt = attempt, SentAt = at });
    }

    private EncodeJob Resent(EncodeTaskResent resent, JobTask before)
    {
        var another = resent.Attempt != before.Attempt;
        return With(
            new JobTask(
                resent.Task,
                TaskPhase.Waiting,
                resent.Attempt,
                resent.SentAt,
                Cause: another ? resent.Reason : before.Cause,
                Waits: another ? 0 : before.Waits + 1,
                KnownAt: another ? resent.SentAt : before.KnownAt
            )
        );
    }

    private EncodeJob Done(string name, string worker) =>
        With(Tasks[name] with { Phase = TaskPhase.Done, Worker = worker, Cause = null });

    private EncodeJob GivenUp(string name, string cause) =>
        With(Tasks[name] with { Phase = TaskPhase.Failed, Cause = cause });

    /// <summary>The job ends with the task that ended it: nobody works on that any more.</summary>
    private EncodeJob Ended(JobPhase phase, string task, string cause, string trouble, DateTimeOffset at) =>
        GivenUp(task, cause) with
        {
            Phase = phase,
            Trouble = trouble,
            EndedAt = at,
        };

    private EncodeJob With(JobTask task) => this with { Tasks = Tasks.SetItem(task.Name, task) };
}
