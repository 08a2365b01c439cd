using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Readers;
using Npgsql;

namespace EventStream.Upload.Library;

/// <summary>
/// Answers: which videos are there, newest first, and how far is each? Size in bytes, duration in seconds.
/// </summary>
public sealed record VideoListItem(
    string Id, string Title, string Publisher, long SizeBytes, string Status, double? DurationSeconds,
        string? PosterKey,
    DateTimeOffset RegisteredAt, DateTimeOffset UpdatedAt);

/// <summary>The projection behind the list: follows the video streams of the store.</summary>
public sealed class VideoListProjection(ReaderServices services) : AsyncProjection("video-list", services)
{
    protected override Task ApplyAsync(
        NpgsqlConnection connection, RecordedEvent recorded, CancellationToken cancellation) => recorded.Data switch
        {
            VideoRegistered e => Execute(
                connection,
                """
            insert into video_list (video_id, title, publisher, size_bytes, status, registered_at, updated_at)
            values ($1, $2, $3, $4, 'registered', $5, $6) on conflict (video_id) do nothing
            """,
                [
                    e.VideoId.Value, e.Title, e.Publisher, e.SizeBytes, e.RegisteredAt.ToUniversalTime(),
                    recorded.RecordedAt,
                ],
                cancellation),
            VideoUploaded e => Status(connection, recorded, e.VideoId, "uploaded", cancellation),
            VideoProbed e => Execute(
                connection,
                "update video_list set status = 'probed', duration_seconds = $2, updated_at = $3 where video_id = $1",
                [e.VideoId.Value, e.Source.DurationSeconds, recorded.RecordedAt], cancellation),
            VideoEncodePlanned e => Status(connection, recorded, e.VideoId, "encoding", cancellation),
            VideoPlayable e => Status(connection, recorded, e.VideoId, "playable", cancellation),
            VideoThumbnailsMade e => Execute(
                connection, "update video_list set poster_key = $2, updated_at = $3 where video_id = $1",
                [e.VideoId.Value, e.Thumbnails.PosterKey, recorded.RecordedAt], cancellation),
            VideoPublished e => Status(connection, recorded, e.VideoId, "published", cancellation),
            VideoRejected e => Status(connection, recorded, e.VideoId, "rejected", cancellation),
            VideoEncodeFailed e => Status(connection, recorded, e.VideoId, "failed", cancellation),
            _ => Task.CompletedTask,
        };

    private static Task Status(
        NpgsqlConnection connection, RecordedEvent recorded, VideoId id, string status,
            CancellationToken cancellation) =>
        Execute(
            connection, "update video_list set status = $2, updated_at = $3 where video_id = $1",
            [id.Value, status, recorded.RecordedAt], cancellation);

    private static async Task Execute(
        NpgsqlConnection connection, string sql, object[] values, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync(cancellation);
    }
}

/// <summary>Reads the list.</summary>
public sealed class VideoList(NpgsqlDataSource source)
{
    /// <summary>
    /// At most <paramref name="limit"/> videos older than <paramref name="before"/>: ids sort by creation.
    /// </summary>
    public async Task<IReadOnlyList<VideoListItem>> PageAsync(VideoId? before, int limit,
        CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            """
            select video_id, title, publisher, size_bytes, status, duration_seconds, poster_key, registered_at,
                updated_at
            from video_list where video_id < $1 order by video_id desc limit $2
            """);
        command.Parameters.Add(new() { Value = before?.Value ?? Guid.AllBitsSet });
        command.Parameters.Add(new() { Value = limit });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var items = new List<VideoListItem>();
        while (await row.ReadAsync(cancellation))
        {
            items.Add(new VideoListItem(
                row.GetGuid(0).ToString("D"), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetString(4),
                row.IsDBNull(5) ? null : row.GetDouble(5), row.IsDBNull(6) ? null : row.GetString(6),
                row.GetFieldValue<DateTimeOffset>(7), row.GetFieldValue<DateTimeOffset>(8)));
        }

        return items;
    }
}
