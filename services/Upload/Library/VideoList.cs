using System.Text;
using EventStream.Contracts;
using EventStream.EventStore.Privacy;
using Marten;
using Marten.Events.Aggregation;

namespace EventStream.Upload.Library;

/// <summary>
/// Answers: which videos are there, newest first, and how far is each? Size in bytes, duration in seconds. The
/// publisher is a person: it is kept encrypted, and equal publishers have equal ciphers.
/// </summary>
public sealed record VideoListItem
{
    public VideoId Id { get; init; }
    public string Title { get; init; } = "";

    [PersonalData]
    public string Publisher { get; init; } = "";

    public long SizeBytes { get; init; }
    public string Status { get; init; } = "";
    public double? DurationSeconds { get; init; }
    public string? PosterKey { get; init; }
    public IReadOnlyList<string> Tags { get; init; } = [];
    public DateTimeOffset RegisteredAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>The projection behind the list: one document a video, until the video is deleted.</summary>
public sealed class VideoListProjection : SingleStreamProjection<VideoListItem, VideoId>
{
    public VideoListProjection() => Name = "video-list";

    public override VideoListItem? Evolve(VideoListItem? snapshot, VideoId id, JasperFx.Events.IEvent e) =>
        e.Data switch
        {
            VideoDeleted or StreamTombstoned => null,
            // An edition is shown as the video whose place it takes.
            VideoRegistered { EditionOf: null } registered => Of(registered) with { UpdatedAt = e.Timestamp },
            _ when snapshot is not null => On(snapshot, (IMessage)e.Data) with { UpdatedAt = e.Timestamp },
            _ => null,
        };

    private static readonly string[] Cancellable =
    [
        .. new[] { VideoStatus.Uploaded, VideoStatus.Probed, VideoStatus.Encoding, VideoStatus.Playable }.Select(
            VideoDetailsReader.Text
        ),
    ];

    private static VideoListItem Of(VideoRegistered e) =>
        new()
        {
            Id = e.VideoId,
            Title = e.Title,
            Publisher = e.Publisher,
            SizeBytes = e.SizeBytes,
            Status = VideoDetailsReader.Text(VideoStatus.Registered),
            RegisteredAt = e.RegisteredAt,
        };

    private static VideoListItem On(VideoListItem item, IMessage message) =>
        message switch
        {
            VideoUploaded e => Reach(item, VideoStatus.Uploaded) with { SizeBytes = e.SizeBytes },
            VideoProbed e => Reach(item, VideoStatus.Probed) with { DurationSeconds = e.Source.DurationSeconds },
            VideoEncodePlanned => Reach(item, VideoStatus.Encoding),
            VideoPlayable => Reach(item, VideoStatus.Playable),
            VideoThumbnailsMade e => item with { PosterKey = e.Thumbnails.PosterKey },
            VideoPublished => Reach(item, VideoStatus.Published),
            VideoEditionPublished e => Reach(item, VideoStatus.Published) with
            {
                SizeBytes = e.SizeBytes,
                DurationSeconds = e.Source.DurationSeconds,
                PosterKey = e.Thumbnails?.PosterKey,
            },
            VideoEncodeCancelled when Cancellable.Contains(item.Status) => Reach(item, VideoStatus.Cancelled),
            VideoDescribed e => item with { Title = e.Title, Tags = e.Tags },
            VideoRejected => Reach(item, VideoStatus.Rejected),
            VideoEncodeFailed => Reach(item, VideoStatus.Failed),
            _ => item,
        };

    private static VideoListItem Reach(VideoListItem item, VideoStatus status) =>
        item with
        {
            Status = VideoDetailsReader.Text(status),
        };
}

/// <summary>
/// Which videos are asked for: those of one publisher, in a status (its word), with every one of the tags, and with a
/// text in their title, in upper or lower case. What is null or empty asks for nothing.
/// </summary>
public sealed record VideoFilter(string? Publisher, string? Status, IReadOnlyList<string> Tags, string? Search);

/// <summary>Reads the list.</summary>
public sealed class VideoList(IDocumentStore store, PersonalData personal)
{
    /// <summary>Counting stops here, so that a page of a very large library stays cheap.</summary>
    public const int TotalMax = 100_000;

    /// <summary>
    /// At most <paramref name="limit"/> videos older than <paramref name="before"/>: ids sort by creation.
    /// </summary>
    public async Task<IReadOnlyList<VideoListItem>> PageAsync(
        VideoFilter filter,
        VideoId? before,
        int limit,
        CancellationToken cancellation
    )
    {
        var (clauses, parameters) = await ClausesAsync(filter, cancellation);
        await using var session = store.QuerySession();
        return await session.QueryAsync<VideoListItem>(
            $"where id < ? {clauses} order by id desc limit ?",
            cancellation,
            [before?.Value ?? Guid.AllBitsSet, .. parameters, limit]
        );
    }

    /// <summary>How many videos there are; at most <see cref="TotalMax"/>.</summary>
    public async Task<long> CountAsync(VideoFilter filter, CancellationToken cancellation)
    {
        var (clauses, parameters) = await ClausesAsync(filter, cancellation);
        var table = store.Options.FindOrResolveDocumentType(typeof(VideoListItem)).TableName.QualifiedName;
        await using var session = store.QuerySession();
        var counted = await session.AdvancedSql.QueryAsync<long>(
            $"select count(*) from (select from {table} where true {clauses} limit ?) as counted",
            cancellation,
            [.. parameters, TotalMax]
        );
        return counted[0];
    }

    private async ValueTask<(string Clauses, List<object> Parameters)> ClausesAsync(
        VideoFilter filter,
        CancellationToken cancellation
    )
    {
        var (clauses, parameters) = (new StringBuilder(), new List<object>());
        if (filter.Publisher is { } publisher)
            Add(
                "data ->> 'publisher' = (?::jsonb #>> '{}')",
                await personal.ProtectAsync(publisher, publisher, cancellation)
            );
        if (filter.Status is { } status)
            Add("data ->> 'status' = ?", status);
        foreach (var tag in filter.Tags)
            Add("data -> 'tags' @> to_jsonb(?::text)", tag);
        if (filter.Search is { Length: > 0 } search)
            Add("position(lower(?) in lower(data ->> 'title')) > 0", search);
        return ($"{clauses}", parameters);

        void Add(string clause, object parameter)
        {
            clauses.Append(" and ").Append(clause);
            parameters.Add(parameter);
        }
    }
}
