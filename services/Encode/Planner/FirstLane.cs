using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Encode.Planner;

/// <summary>
/// Answers: does a first rung wait for a worker, and which videos' other tasks are held meanwhile? A table beside the
/// jobs, so that every planner knows it at once. A row that is out of date costs time only: what is held goes out after
/// <see cref="HeldMax"/>.
/// </summary>
public sealed class FirstLane(NpgsqlDataSource source, TimeProvider time)
{
    /// <summary>How long first rungs of other videos may hold the tasks of a video, so that none starves.</summary>
    public static readonly TimeSpan HeldMax = TimeSpan.FromMinutes(5);

    /// <summary>Most videos that are released at once.</summary>
    private const int ReleasedMax = 500;

    /// <summary>Whether the first rung of another video than this waits, or its probe is not done.</summary>
    public async Task<bool> IsWaitingAsync(VideoId except, CancellationToken cancellation)
    {
        await using var command = source.Command(
            "select exists (select from first_lane where waiting and video_id <> $1)",
            except.Value
        );
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Takes the job after a decision, and the messages that were decided.</summary>
    public Task RecordAsync(EncodeJob job, IReadOnlyList<IMessage> decided, CancellationToken cancellation)
    {
        var sent = decided.OfType<ICommand>().Any(EncodeTasks.IsFirstLane);
        return job switch
        {
            { IsBeginning: true } when sent => source.ExecuteAsync(
                "insert into first_lane values ($1, true) on conflict (video_id) do update set waiting = true",
                cancellation,
                job.Id.Value
            ),
            { IsBeginning: true } => Task.CompletedTask,
            { IsHeld: true } => source.ExecuteAsync(
                """
                insert into first_lane as l values ($1, false, $2) on conflict (video_id) do update
                set waiting = false, held_since = coalesce(l.held_since, excluded.held_since)
                """,
                cancellation,
                job.Id.Value,
                time.GetUtcNow()
            ),
            _ => source.ExecuteAsync("delete from first_lane where video_id = $1", cancellation, job.Id.Value),
        };
    }

    /// <summary>A worker has taken the first rung of a video, or its first chunk.</summary>
    public Task BeginAsync(VideoId video, CancellationToken cancellation) =>
        source.ExecuteAsync("update first_lane set waiting = false where video_id = $1", cancellation, video.Value);

    /// <summary>Videos whose held tasks may go out: all where no first rung waits, else those held too long.</summary>
    public async Task<IReadOnlyList<VideoId>> ReleasableAsync(CancellationToken cancellation)
    {
        await using var command = source.Command(
            $"""
            select video_id from first_lane
            where held_since < $1 or (held_since is not null and not exists (select from first_lane where waiting))
            order by held_since limit {ReleasedMax}
            """,
            time.GetUtcNow() - HeldMax
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var videos = new List<VideoId>();
        while (await row.ReadAsync(cancellation))
            videos.Add(new VideoId(row.GetGuid(0)));
        return videos;
    }
}
