using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Upload.Library;

/// <summary>How many chunks of a long video are encoded, of how many.</summary>
public sealed record EncodeChunks(int Done, int Of);

/// <summary>
/// Answers: how far is each encoding task of a video? Fraction in 0..1, speed in media seconds per wall second. The
/// tasks of a rung that is made in chunks are one here, with <paramref name="Chunks"/>.
/// </summary>
public sealed record EncodeTask(
    string Task,
    string State,
    double Fraction,
    double? Speed,
    string? Worker,
    int? Attempt,
    string? Cause,
    DateTimeOffset UpdatedAt,
    EncodeChunks? Chunks = null
)
{
    public const string Queued = "queued";
    public const string Running = "running";
    public const string Retrying = "retrying";
    public const string Done = "done";
    public const string Failed = "failed";

    /// <summary>The tasks with each chunk, such as <c>360p.1</c>, taken into the task that joins it.</summary>
    public static IReadOnlyList<EncodeTask> Joined(IReadOnlyList<EncodeTask> tasks)
    {
        static string? JoinOf(EncodeTask task) =>
            task.Task.LastIndexOf('.') is > 0 and var dot ? task.Task[..dot] : null;
        var chunks = tasks.Where(task => JoinOf(task) is not null).ToLookup(task => JoinOf(task)!);
        return
        [
            .. tasks
                .Where(task => JoinOf(task) is null)
                .Select(task => chunks.Contains(task.Task) ? task.With([.. chunks[task.Task]]) : task),
        ];
    }

    private EncodeTask With(IReadOnlyList<EncodeTask> chunks)
    {
        var all = new EncodeChunks(chunks.Count(chunk => chunk.State == Done), chunks.Count);
        if (State == Done)
            return this with { Chunks = all };
        // What went wrong is said first.
        var worst = chunks.Append(this).FirstOrDefault(task => task.State is Failed or Retrying);
        var begun = chunks.Any(chunk => chunk.State is Running or Done);
        return this with
        {
            State = worst?.State ?? (begun ? Running : State),
            Fraction = chunks.Average(chunk => chunk.Fraction),
            Speed = chunks.Where(chunk => chunk.State == Running).Sum(chunk => chunk.Speed),
            Cause = worst?.Cause,
            UpdatedAt = chunks.Append(this).Max(task => task.UpdatedAt),
            Chunks = all,
        };
    }
}

/// <summary>
/// The table of encoding tasks: what <c>encode.events</c> said last of each. Older news never replaces newer.
/// </summary>
public sealed class EncodeTaskTable(NpgsqlDataSource source)
{
    /// <summary>Takes one event of the topic; events that say nothing of a task's progress are passed over.</summary>
    public Task RecordAsync(IMessage message, CancellationToken cancellation) =>
        message switch
        {
            EncodePlanned e => QueuedAsync(e.VideoId, e.Tasks, e.PlannedAt, cancellation),
            EncodeTaskStarted e => SetAsync(
                e.VideoId,
                new(e.Task, EncodeTask.Running, 0, null, e.Worker, e.Attempt, null, e.StartedAt),
                cancellation
            ),
            EncodeTaskProgressed e => SetAsync(
                e.VideoId,
                new(e.Task, EncodeTask.Running, e.Fraction, e.Speed, e.Worker, null, null, e.At),
                cancellation
            ),
            SourceProbed e => Done(e.VideoId, "probe", e.Worker, e.ProbedAt, cancellation),
            // A source that is no video ends its probe, which is the only task there is.
            SourceRejected e => SetAsync(
                e.VideoId,
                new("probe", EncodeTask.Failed, 0, null, e.Worker, null, e.Reason, e.RejectedAt),
                cancellation
            ),
            RenditionEncoded e => Done(e.VideoId, e.TaskName(), e.Worker, e.EncodedAt, cancellation),
            ChunkEncoded e => Done(e.VideoId, e.Task, e.Worker, e.EncodedAt, cancellation),
            ThumbnailsMade e => Done(e.VideoId, Thumbnails.Task, e.Worker, e.MadeAt, cancellation),
            SubtitlesMade e => Done(e.VideoId, SourceText.Task, e.Worker, e.MadeAt, cancellation),
            EncodeLadderChosen e => QueuedAsync(e.VideoId, e.Tasks, e.ChosenAt, cancellation),
            EncodeRungsRequested e => QueuedAsync(
                e.VideoId,
                [.. e.Rungs.Select(rung => rung.Name)],
                e.RequestedAt,
                cancellation
            ),
            EncodeRungsEvicted e => ForgetAsync(e.VideoId, e.Rungs, e.EvictedAt, cancellation),
            SourceAnalysed e => Done(e.VideoId, LadderSample.Task, e.Worker, e.AnalysedAt, cancellation),
            QualityMeasured e => Done(e.VideoId, RenditionQuality.Task, e.Worker, e.MeasuredAt, cancellation),
            EncodeTaskFinished { Cause: not null } e => SetAsync(
                e.VideoId,
                new(e.Task, EncodeTask.Failed, 0, null, e.Worker, null, FailureWords.Of(e.Task), e.FinishedAt),
                cancellation
            ),
            EncodeTaskFailed e => SetAsync(
                e.VideoId,
                new(
                    e.Task,
                    e.WillRetry ? EncodeTask.Retrying : EncodeTask.Failed,
                    0,
                    null,
                    e.Worker,
                    e.Attempt,
                    FailureWords.Of(e.Task),
                    e.FailedAt
                ),
                cancellation
            ),
            _ => Task.CompletedTask,
        };

    /// <summary>In one statement: a long video has hundreds of tasks.</summary>
    private async Task QueuedAsync(
        VideoId id,
        IEnumerable<string> tasks,
        DateTimeOffset at,
        CancellationToken cancellation
    )
    {
        await using var command = source.Command(
            """
            insert into encode_tasks as t (video_id, task, state, fraction, updated_at)
            select $1, name, $3, 0, $4 from unnest($2) as name
            on conflict (video_id, task) do update set
                state = excluded.state, fraction = excluded.fraction, cause = null, updated_at = excluded.updated_at
            where t.state <> 'done' and excluded.updated_at >= t.updated_at
            """,
            id.Value,
            tasks.Distinct(StringComparer.Ordinal).ToArray(),
            EncodeTask.Queued,
            at
        );
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>The tasks of a video, by name; chunks are taken together.</summary>
    public async Task<IReadOnlyList<EncodeTask>> ListAsync(VideoId id, CancellationToken cancellation)
    {
        await using var command = source.Command(
            """
            select task, state, fraction, speed, worker, attempt, cause, updated_at
            from encode_tasks where video_id = $1 order by task
            """,
            id.Value
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var tasks = new List<EncodeTask>();
        while (await row.ReadAsync(cancellation))
        {
            tasks.Add(
                new EncodeTask(
                    row.GetString(0),
                    row.GetString(1),
                    row.GetDouble(2),
                    row.IsDBNull(3) ? null : row.GetDouble(3),
                    row.IsDBNull(4) ? null : row.GetString(4),
                    row.IsDBNull(5) ? null : row.GetInt32(5),
                    row.IsDBNull(6) ? null : row.GetString(6),
                    row.GetFieldValue<DateTimeOffset>(7)
                )
            );
        }

        return EncodeTask.Joined(tasks);
    }

    /// <summary>Forgets the tasks of a video.</summary>
    public async Task ForgetAsync(VideoId id, CancellationToken cancellation)
    {
        await using var command = source.Command("delete from encode_tasks where video_id = $1", id.Value);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private async Task ForgetAsync(
        VideoId id,
        IReadOnlyList<string> tasks,
        DateTimeOffset at,
        CancellationToken cancellation
    )
    {
        await using var command = source.Command(
            "delete from encode_tasks where video_id = $1 and task = any ($2) and updated_at <= $3",
            id.Value,
            tasks.ToArray(),
            at
        );
        await command.ExecuteNonQueryAsync(cancellation);
    }

    private Task Done(VideoId id, string task, string worker, DateTimeOffset at, CancellationToken cancellation) =>
        SetAsync(id, new(task, EncodeTask.Done, 1, null, worker, null, null, at), cancellation);

    private async Task SetAsync(VideoId id, EncodeTask task, CancellationToken cancellation)
    {
        await using var command = source.Command(
            """
            insert into encode_tasks as t (video_id, task, state, fraction, speed, worker, attempt, cause, updated_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict (video_id, task) do update set
                state = excluded.state, fraction = excluded.fraction, speed = coalesce(excluded.speed, t.speed),
                worker = coalesce(excluded.worker, t.worker), attempt = coalesce(excluded.attempt, t.attempt),
                cause = excluded.cause, updated_at = excluded.updated_at
            where t.state <> 'done' and excluded.updated_at >= t.updated_at
            """,
            id.Value,
            task.Task,
            task.State,
            task.Fraction,
            task.Speed,
            task.Worker,
            task.Attempt,
            task.Cause,
            task.UpdatedAt
        );
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
