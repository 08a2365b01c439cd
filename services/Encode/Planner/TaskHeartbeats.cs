using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Encode.Planner;

/// <summary>
/// The last heartbeat of a running task: fraction in 0..1, speed in media seconds per wall second.
/// </summary>
public sealed record TaskHeartbeat(
    VideoId VideoId,
    string Task,
    int Attempt,
    string Worker,
    DateTimeOffset StartedAt,
    double Fraction,
    double Speed,
    DateTimeOffset ReceivedAt
);

/// <summary>
/// Answers: which tasks run, and when did each last report? A table, so that every planner knows what any of them
/// received, also after a restart. It holds running tasks only.
/// </summary>
public sealed class TaskHeartbeats(NpgsqlDataSource source, TimeProvider time)
{
    /// <summary>Most silent tasks that the monitor looks at in one pass; the longest silent come first.</summary>
    public const int SilentMax = 500;

    /// <summary>Most begun tasks that are taken off what waits; the oldest come first.</summary>
    public const int BegunMax = 2_000;

    private const string Columns = "video_id, task, attempt, worker, started_at, fraction, speed, received_at";

    /// <summary>Takes a report; other messages change nothing.</summary>
    public Task RecordAsync(IMessage message, CancellationToken cancellation) =>
        message switch
        {
            EncodeTaskStarted e => source.ExecuteAsync(
                $"""
                insert into task_heartbeats as t ({Columns}) values ($1, $2, $3, $4, $5, 0, 0, $6)
                on conflict (video_id, task) do update set
                    attempt = excluded.attempt, worker = excluded.worker, started_at = excluded.started_at,
                    fraction = 0, speed = 0, received_at = excluded.received_at
                where (excluded.attempt, excluded.started_at) > (t.attempt, t.started_at)
                """,
                cancellation,
                e.VideoId.Value,
                e.Task,
                e.Attempt,
                e.Worker,
                e.StartedAt.ToUniversalTime(),
                Now
            ),
            EncodeTaskProgressed e => source.ExecuteAsync(
                """
                update task_heartbeats set fraction = $4, speed = $5, received_at = $6
                where video_id = $1 and task = $2 and worker = $3
                """,
                cancellation,
                e.VideoId.Value,
                e.Task,
                e.Worker,
                e.Fraction,
                e.Speed,
                Now
            ),
            SourceProbed e => EndAsync(e.VideoId, EncodeTasks.Probe, cancellation),
            RenditionEncoded e => EndAsync(e.VideoId, e.TaskName(), cancellation),
            ChunkEncoded e => EndAsync(e.VideoId, e.Task, cancellation),
            ThumbnailsMade e => EndAsync(e.VideoId, EncodeTasks.Thumbnails, cancellation),
            SubtitlesMade e => EndAsync(e.VideoId, EncodeTasks.Subtitles, cancellation),
            SourceAnalysed e => EndAsync(e.VideoId, EncodeTasks.Analysis, cancellation),
            QualityMeasured e => EndAsync(e.VideoId, EncodeTasks.Quality, cancellation),
            EncodeTaskFailed e when e.WillRetry || EncodeTasks.IsByProduct(e.Task) => EndAsync(
                e.VideoId,
                e.Task,
                cancellation
            ),
            SourceRejected e => EndAllAsync(e.VideoId, cancellation),
            EncodeTaskFailed e => EndAllAsync(e.VideoId, cancellation),
            EncodeStopped e => EndAllAsync(e.VideoId, cancellation),
            EncodeCompleted e => EndAllAsync(e.VideoId, cancellation),
            _ => Task.CompletedTask,
        };

    /// <summary>The heartbeats of these videos.</summary>
    public async Task<ILookup<VideoId, TaskHeartbeat>> OfAsync(
        IEnumerable<VideoId> videos,
        CancellationToken cancellation
    )
    {
        await using var command = source.CreateCommand(
            $"select {Columns} from task_heartbeats where video_id = any ($1)"
        );
        command.Parameters.Add(new() { Value = videos.Select(video => video.Value).ToArray() });
        return (await ReadAsync(command, cancellation)).ToLookup(heartbeat => heartbeat.VideoId);
    }

    /// <summary>The tasks that workers have begun.</summary>
    public async Task<IReadOnlyList<TaskHeartbeat>> BegunAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            $"select {Columns} from task_heartbeats order by started_at limit {BegunMax}"
        );
        return await ReadAsync(command, cancellation);
    }

    private static async Task<List<TaskHeartbeat>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var found = new List<TaskHeartbeat>();
        while (await row.ReadAsync(cancellation))
        {
            found.Add(
                new TaskHeartbeat(
                    new VideoId(row.GetGuid(0)),
                    row.GetString(1),
                    row.GetInt32(2),
                    row.GetString(3),
                    row.GetFieldValue<DateTimeOffset>(4),
                    row.GetDouble(5),
                    row.GetDouble(6),
                    row.GetFieldValue<DateTimeOffset>(7)
                )
            );
        }

        return found;
    }

    /// <summary>Videos with a running task that has not reported since <paramref name="before"/>.</summary>
    public async Task<IReadOnlyList<VideoId>> SilentAsync(DateTimeOffset before, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            $"select video_id from task_heartbeats where received_at < $1 order by received_at limit {SilentMax}"
        );
        command.Parameters.Add(new() { Value = before.ToUniversalTime() });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var videos = new HashSet<VideoId>();
        while (await row.ReadAsync(cancellation))
            videos.Add(new VideoId(row.GetGuid(0)));
        return [.. videos];
    }

    /// <summary>Forgets every task of a video.</summary>
    public Task EndAllAsync(VideoId video, CancellationToken cancellation) =>
        source.ExecuteAsync("delete from task_heartbeats where video_id = $1", cancellation, video.Value);

    private DateTimeOffset Now => time.GetUtcNow();

    private Task EndAsync(VideoId video, string task, CancellationToken cancellation) =>
        source.ExecuteAsync(
            "delete from task_heartbeats where video_id = $1 and task = $2",
            cancellation,
            video.Value,
            task
        );
}
