using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Encode.Planner;

/// <summary>
/// Answers: which videos have rungs that are made on request, were they requested, and when was the last viewer there?
/// A video that was made again has viewers under its own id and the job under that of its edition.
/// </summary>
public sealed class RungDemand(NpgsqlDataSource source)
{
    /// <summary>Most jobs of one look for what nobody wants any more.</summary>
    public const int UnwantedMax = 200;

    /// <summary>The job has rungs that are made on request.</summary>
    public Task AddAsync(VideoId job, CancellationToken cancellation) =>
        source.ExecuteAsync(
            "insert into rung_demand (job_id, video_id) values ($1, $1) on conflict do nothing",
            cancellation,
            job.Value
        );

    /// <summary>The video is deleted.</summary>
    public Task RemoveAsync(VideoId video, CancellationToken cancellation) =>
        source.ExecuteAsync("delete from rung_demand where video_id = $1 or job_id = $1", cancellation, video.Value);

    /// <summary>The edition plays now: viewers of the video want its rungs, and nobody those before it.</summary>
    public async Task ReplaceAsync(VideoId video, VideoId edition, CancellationToken cancellation)
    {
        await source.ExecuteAsync(
            "delete from rung_demand where video_id = $1 and job_id <> $2",
            cancellation,
            video.Value,
            edition.Value
        );
        await source.ExecuteAsync(
            "update rung_demand set video_id = $1 where job_id = $2",
            cancellation,
            video.Value,
            edition.Value
        );
    }

    /// <summary>A viewer is there. Returns the job whose rungs are to be requested, null where there is none.</summary>
    public async Task<VideoId?> WantAsync(VideoId video, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = source.Command(
            "update rung_demand set wanted_at = $2 where video_id = $1 returning job_id, requested",
            video.Value,
            now
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        return await row.ReadAsync(cancellation) && !row.GetBoolean(1) ? new VideoId(row.GetGuid(0)) : null;
    }

    /// <summary>Whether the rungs of a job are requested from now on.</summary>
    public Task SetAsync(VideoId job, bool requested, CancellationToken cancellation) =>
        source.ExecuteAsync(
            "update rung_demand set requested = $2 where job_id = $1",
            cancellation,
            job.Value,
            requested
        );

    /// <summary>Requests the rungs no longer; false where a viewer came since <paramref name="before"/>.</summary>
    public async Task<bool> ReleaseAsync(VideoId job, DateTimeOffset before, CancellationToken cancellation)
    {
        var released = await source.ExecuteAsync(
            "update rung_demand set requested = false where job_id = $1 and requested and wanted_at < $2",
            cancellation,
            job.Value,
            before
        );
        return released > 0;
    }

    /// <summary>Whether the rungs of a job are requested.</summary>
    public async Task<bool> IsRequestedAsync(VideoId job, CancellationToken cancellation)
    {
        await using var command = source.Command(
            "select exists (select from rung_demand where job_id = $1 and requested)",
            job.Value
        );
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Jobs with requested rungs and no viewer since <paramref name="before"/>.</summary>
    public async Task<IReadOnlyList<VideoId>> UnwantedAsync(DateTimeOffset before, CancellationToken cancellation)
    {
        await using var command = source.Command(
            $"""
            select job_id from rung_demand where requested and wanted_at < $1 order by wanted_at limit {UnwantedMax}
            """,
            before
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var jobs = new List<VideoId>();
        while (await row.ReadAsync(cancellation))
            jobs.Add(new VideoId(row.GetGuid(0)));
        return jobs;
    }
}
