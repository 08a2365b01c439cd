using System.Text.Json.Serialization;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Upload.Uploads;

namespace EventStream.Upload.Library;

/// <summary>
/// Answers: what is this video now? Folded from its stream at the time of asking, so that it is never behind; sizes
/// in bytes, bandwidths in bits per second, durations in seconds.
/// </summary>
public sealed record VideoDetails(
    string Id,
    string Status,
    string Title,
    IReadOnlyList<string> Tags,
    IReadOnlyDictionary<string, string> Metadata,
    int Revision,
    string Publisher,
    string FileName,
    long SizeBytes,
    long ReceivedBytes,
    string? Sha256,
    SourceInfo? Source,
    IReadOnlyList<Rung> Ladder,
    double? SegmentSeconds,
    IReadOnlyList<RenditionDetails> Renditions,
    IReadOnlyList<EncodeTask> Tasks,
    string? PosterKey,
    Thumbnails? Thumbnails,
    string? Problem,
    string? Remedy,
    DateTimeOffset RegisteredAt,
    DateTimeOffset? PlayableAt,
    DateTimeOffset? PublishedAt,
    string? EditionOf,
    string? Edition,
    string? NextEdition,
    [property: JsonIgnore] DateTimeOffset? DeletedAt,
    long Version
);

/// <summary>One encoded rendition, or subtitles, without the list of segments; quality once it is measured.</summary>
public sealed record RenditionDetails(
    string Name,
    string Kind,
    string Prefix,
    string Codecs,
    int Width,
    int Height,
    double FramesPerSecond,
    int BandwidthBps,
    int AverageBandwidthBps,
    int Segments,
    double DurationSeconds,
    long SizeBytes,
    TrackLabel? Label,
    RenditionQuality? Quality
);

/// <summary>Reads details.</summary>
public sealed class VideoDetailsReader(
    Decider<Video> videos,
    EncodeTaskTable tasks,
    UploadTable uploads,
    UploadService service
)
{
    /// <summary>The details of a video, or null.</summary>
    public async Task<VideoDetails?> FindAsync(VideoId id, CancellationToken cancellation)
    {
        var loaded = await videos.LoadAsync(id.Value, cancellation);
        return loaded.Exists ? await DescribeAsync(loaded.State, loaded.Version, cancellation) : null;
    }

    private async Task<VideoDetails> DescribeAsync(Video video, long version, CancellationToken cancellation) =>
        new(
            video.Id.ToString(),
            Text(video.Status),
            video.Title,
            video.Tags,
            video.Metadata,
            video.Revision,
            video.Publisher,
            video.FileName,
            video.SizeBytes,
            await ReceivedAsync(video, cancellation),
            video.Sha256,
            video.Source,
            video.Ladder,
            video.Ladder.IsEmpty ? null : video.SegmentSeconds,
            [
                .. video
                    .Renditions.Concat(video.Texts ?? [])
                    .Concat(video.Captions)
                    .Select(made => Describe(made, video.Qualities)),
            ],
            await tasks.ListAsync(video.Id, cancellation),
            video.Thumbnails?.PosterKey,
            video.Thumbnails,
            video.Problem,
            video.Remedy,
            video.RegisteredAt,
            video.PlayableAt,
            video.PublishedAt,
            video.EditionOf?.ToString(),
            video.Edition?.ToString(),
            video.NextEdition?.ToString(),
            video.DeletedAt,
            version
        );

    /// <summary>The word for a status in JSON.</summary>
    public static string Text(VideoStatus status) => status.ToString().ToLowerInvariant();

    private async Task<long> ReceivedAsync(Video video, CancellationToken cancellation)
    {
        if (video.SourceKey is not null || video.DeletedAt is not null)
            return video.SizeBytes;
        var upload = await uploads.FindAsync(video.Id, cancellation);
        return upload is null ? 0 : await service.OffsetAsync(upload, cancellation);
    }

    private static RenditionDetails Describe(Rendition r, IReadOnlyList<RenditionQuality>? qualities) =>
        new(
            r.Name,
            r.Kind,
            r.Prefix,
            r.Codecs,
            r.Width,
            r.Height,
            r.FramesPerSecond,
            r.BandwidthBps,
            r.AverageBandwidthBps,
            r.SegmentDurationsSeconds.Count,
            r.SegmentDurationsSeconds.Sum(),
            r.SizeBytes,
            r.Label,
            qualities?.FirstOrDefault(quality => quality.Name == r.Name)
        );
}
