using EventStream.Contracts;
using Marten;
using Marten.Events.Aggregation;

namespace EventStream.Encode.Planner;

/// <summary>
/// Answers: which jobs are there, and what are they? One document a job, a moment behind its stream.
/// <c>WaitingSince</c> is when the oldest command that is not answered was sent, and <c>Waits</c> how often it was sent
/// again; both are for the stalled-task monitor.
/// </summary>
public sealed record QueuedJob
{
    public Guid Id { get; init; }

    /// <summary>The job's phase, as a lower-case word.</summary>
    public string Phase { get; init; } = "";

    public DateTimeOffset OpenedAt { get; init; }

    public DateTimeOffset? WaitingSince { get; init; }

    public int Waits { get; init; }

    /// <summary>When the newest of its tasks became known.</summary>
    public DateTimeOffset? ArrivedAt { get; init; }

    /// <summary>Estimated seconds of its tasks that are not done, by lane.</summary>
    public double FastSeconds { get; init; }

    public double HeavySeconds { get; init; }

    public EncodeJob Job { get; init; } = new();

    /// <summary>The document of a job.</summary>
    public static QueuedJob Of(Guid id, EncodeJob job)
    {
        var oldest = job.DueTasks.MinBy(task => task.SentAt);
        return new QueuedJob
        {
            Id = id,
            Phase = WordOf(job.Phase),
            OpenedAt = job.OpenedAt ?? default,
            WaitingSince = oldest?.SentAt,
            Waits = Math.Min(oldest?.Waits ?? 0, SilenceBounds.DoublingsMax),
            ArrivedAt = job.KnownTasks.Max(task => task.KnownAt),
            FastSeconds = Undone(job, EncodeLanes.Fast),
            HeavySeconds = Undone(job, EncodeLanes.Heavy),
            Job = job,
        };
    }

    private static double Undone(EncodeJob job, string lane) =>
        job.Open
            ? job
                .KnownTasks.Where(task => !task.IsSettled && job.LaneOf(task.Name) == lane)
                .Sum(task => job.SecondsOf(task.Name))
            : 0;

    /// <summary>The word for a phase in JSON.</summary>
    public static string WordOf<T>(T phase)
        where T : struct, Enum => phase.ToString().ToLowerInvariant();
}

/// <summary>Keeps <see cref="QueuedJob"/>. Raise <c>Version</c> when its shape or the job's fold changes.</summary>
public sealed class JobQueueProjection : SingleStreamProjection<QueuedJob, Guid>
{
    public const string ReaderName = "job-queue";

    public JobQueueProjection() => (Name, Version) = (ReaderName, 6);

    public override QueuedJob? Evolve(QueuedJob? snapshot, Guid id, JasperFx.Events.IEvent e) =>
        e.Data switch
        {
            StreamTombstoned => null,
            IMessage message => QueuedJob.Of(id, (snapshot?.Job ?? new EncodeJob()).Fold(message)),
            // Marten's mark of an append that failed.
            _ => snapshot,
        };
}

/// <summary>Reads the queue.</summary>
public sealed class JobQueue(IDocumentStore store)
{
    /// <summary>
    /// Most jobs of one level of waiting that the monitor looks at in one pass: more than there are workers, so that
    /// tasks that merely run long do not hide others.
    /// </summary>
    public const int WaitingMax = 500;

    /// <summary>Most jobs that are looked at for what arrived; the newest come first.</summary>
    public const int ArrivedMax = 5_000;

    /// <summary>Jobs of which a task became known at <paramref name="since"/> or later.</summary>
    public async Task<IReadOnlyList<EncodeJob>> ArrivedAsync(DateTimeOffset since, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        var found = await session
            .Query<QueuedJob>()
            .Where(job => job.ArrivedAt >= since)
            .OrderByDescending(job => job.ArrivedAt)
            .Take(ArrivedMax)
            .ToListAsync(cancellation);
        return [.. found.Select(job => job.Job)];
    }

    /// <summary>
    /// Estimated seconds of each lane that wait for a worker: of the tasks that are not done, all but those that were
    /// <paramref name="begun"/>.
    /// </summary>
    public async Task<IReadOnlyDictionary<string, double>> WaitingWorkAsync(
        IReadOnlyList<TaskHeartbeat> begun,
        CancellationToken cancellation
    )
    {
        await using var session = store.QuerySession();
        var (probing, encoding) = (QueuedJob.WordOf(JobPhase.Probing), QueuedJob.WordOf(JobPhase.Encoding));
        var open = session
            .Query<QueuedJob>()
            .Where(job => job.Phase == probing || job.Phase == encoding || job.WaitingSince != null);
        var seconds = new Dictionary<string, double>(StringComparer.Ordinal)
        {
            [EncodeLanes.Fast] = await open.SumAsync(job => job.FastSeconds, cancellation),
            [EncodeLanes.Heavy] = await open.SumAsync(job => job.HeavySeconds, cancellation),
        };
        var ids = begun.Select(heartbeat => heartbeat.VideoId.Value).Distinct();
        var jobs = (await session.LoadManyAsync<QueuedJob>(cancellation, ids)).ToDictionary(job => job.Id);
        foreach (var heartbeat in begun)
        {
            if (
                jobs.GetValueOrDefault(heartbeat.VideoId.Value)?.Job is { } job
                && job.OpenTasks.Any(task => task.Name == heartbeat.Task && task.Attempt <= heartbeat.Attempt)
            )
                seconds[job.LaneOf(heartbeat.Task)] -= job.SecondsOf(heartbeat.Task);
        }

        // Sums of the same numbers in another order may differ from them by a trifle.
        return seconds.ToDictionary(pair => pair.Key, pair => Math.Max(0, pair.Value), StringComparer.Ordinal);
    }

    /// <summary>The newest jobs, of one phase or of all.</summary>
    public async Task<IReadOnlyList<EncodeJob>> NewestAsync(JobPhase? phase, int limit, CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        IQueryable<QueuedJob> jobs = session.Query<QueuedJob>();
        if (phase is { } wanted)
        {
            var word = QueuedJob.WordOf(wanted);
            jobs = jobs.Where(job => job.Phase == word);
        }

        var found = await jobs.OrderByDescending(job => job.OpenedAt).Take(limit).ToListAsync(cancellation);
        return [.. found.Select(job => job.Job)];
    }

    /// <summary>Videos with a command that was sent longer ago than its bound and is not answered.</summary>
    public async Task<IReadOnlyList<VideoId>> WaitingAsync(
        SilenceBounds bounds,
        DateTimeOffset now,
        CancellationToken cancellation
    )
    {
        await using var session = store.QuerySession();
        var videos = new List<VideoId>();
        for (var waits = 0; waits <= SilenceBounds.DoublingsMax; waits++)
        {
            var (level, before) = (waits, now - bounds.WaitingAfter(waits));
            var ids = await session
                .Query<QueuedJob>()
                .Where(job => job.Waits == level && job.WaitingSince <= before)
                .OrderBy(job => job.WaitingSince)
                .Take(WaitingMax)
                .Select(job => job.Id)
                .ToListAsync(cancellation);
            videos.AddRange(ids.Select(id => new VideoId(id)));
        }

        return videos;
    }
}
