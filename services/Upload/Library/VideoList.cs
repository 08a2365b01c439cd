using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Projections;
using Npgsql;

namespace EventStream.Upload.Library;

/// <summary>
/// Answers: which videos are there, newest first, and how far is each? Size in bytes, duration in seconds.
/// </summary>
public sealed record VideoListItem(
    string Id, string Title, string Publisher, long SizeBytes, string Status, double? DurationSeconds,
        string? PosterKey,
    DateTimeOffset RegisteredAt, DateTimeOffset UpdatedAt);

/// <summary>The projection behind the list: one row a video.</summary>
public sealed class VideoListProjection() : FlatTableProjection(
    "video-list", version: 2,
    [
        Column.Of<Guid>("video_id", "uuid"),
        Column.Of<string>("title", "text", "not null"),
        Column.Of<string>("publisher", "text", "not null"),
        Column.Of<long>("size_bytes", "bigint", "not null"),
        Column.Of<string>("status", "text", "not null"),
        Column.Of<double>("duration_seconds", "double precision"),
        Column.Of<string>("poster_key", "text"),
        Column.Of<DateTimeOffset>("registered_at", "timestamptz", "not null"),
        Column.Of<DateTimeOffset>("updated_at", "timestamptz", "not null"),
    ])
{
    /// <summary>A publisher's page and total read its own videos only.</summary>
    protected override string Indexes => "create index {table}_publisher on {table} (publisher, video_id);";

    protected override void Project(RecordedEvent recorded, FlatRows rows)
    {
        switch (recorded.Data)
        {
            case VideoRegistered e:
                rows.Upsert(
                    e.VideoId.Value, ("title", e.Title), ("publisher", e.Publisher), ("size_bytes", e.SizeBytes),
                    ("status", "registered"), ("registered_at", e.RegisteredAt.ToUniversalTime()),
                    ("updated_at", recorded.RecordedAt));
                break;
            case VideoUploaded e:
                Status(e.VideoId, "uploaded");
                rows.Update(e.VideoId.Value, ("size_bytes", e.SizeBytes));
                break;
            case VideoProbed e:
                Status(e.VideoId, "probed");
                rows.Update(e.VideoId.Value, ("duration_seconds", e.Source.DurationSeconds));
                break;
            case VideoEncodePlanned e:
                Status(e.VideoId, "encoding");
                break;
            case VideoPlayable e:
                Status(e.VideoId, "playable");
                break;
            case VideoThumbnailsMade e:
                rows.Update(
                    e.VideoId.Value, ("poster_key", e.Thumbnails.PosterKey), ("updated_at", recorded.RecordedAt));
                break;
            case VideoPublished e:
                Status(e.VideoId, "published");
                break;
            case VideoRejected e:
                Status(e.VideoId, "rejected");
                break;
            case VideoEncodeFailed e:
                Status(e.VideoId, "failed");
                break;
        }

        void Status(VideoId id, string status) =>
            rows.Update(id.Value, ("status", status), ("updated_at", recorded.RecordedAt));
    }
}

/// <summary>Reads the list.</summary>
public sealed class VideoList(NpgsqlDataSource source)
{
    /// <summary>Counting stops here, so that a page of a very large library stays cheap.</summary>
    public const int TotalMax = 100_000;

    /// <summary>
    /// At most <paramref name="limit"/> videos older than <paramref name="before"/>: ids sort by creation. Those of one
    /// publisher, or of all where it is null.
    /// </summary>
    public async Task<IReadOnlyList<VideoListItem>> PageAsync(
        string? publisher, VideoId? before, int limit, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            $"""
            select video_id, title, publisher, size_bytes, status, duration_seconds, poster_key, registered_at,
                updated_at
            from video_list where video_id < $1 {(publisher is null ? "" : "and publisher = $3")}
            order by video_id desc limit $2
            """);
        command.Parameters.Add(new() { Value = before?.Value ?? Guid.AllBitsSet });
        command.Parameters.Add(new() { Value = limit });
        if (publisher is not null) command.Parameters.Add(new() { Value = publisher });
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

    /// <summary>
    /// How many videos a publisher has, or all have where it is null; at most <see cref="TotalMax"/>.
    /// </summary>
    public async Task<long> CountAsync(string? publisher, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            $"""
            select count(*) from (
                select from video_list {(publisher is null ? "" : "where publisher = $2")} limit $1) as counted
            """);
        command.Parameters.Add(new() { Value = TotalMax });
        if (publisher is not null) command.Parameters.Add(new() { Value = publisher });
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }
}
