using EventStream.Contracts;

namespace EventStream.Upload;

/// <summary>The editions of a video: each is a video of its own, and one of them plays.</summary>
public sealed partial record Video
{
    private Video On(VideoEditionPublished e) =>
        this with
        {
            Status = VideoStatus.Published,
            Edition = e.Edition,
            NextEdition = null,
            SourceKey = e.SourceKey,
            SizeBytes = e.SizeBytes,
            Sha256 = e.Sha256,
            Source = e.Source,
            Ladder = [.. e.Ladder],
            SegmentSeconds = e.SegmentSeconds,
            Renditions = [.. e.Renditions.Where(rendition => rendition.Kind != Rendition.Text)],
            Texts = [.. WithoutCaptions(e.Renditions.Where(rendition => rendition.Kind == Rendition.Text))],
            Thumbnails = e.Thumbnails,
            ThumbnailsMissing = e.Thumbnails is null,
            Qualities = null,
            Problem = null,
            Remedy = null,
            PlayableAt = PlayableAt ?? e.PublishedAt,
            PublishedAt = e.PublishedAt,
        };

    /// <summary>The publisher wants it made again, as an edition; another one that is on its way is given up.</summary>
    public IEnumerable<IEvent> RequestEdition(VideoId edition, DateTimeOffset now) =>
        IsGone || EditionOf is not null || NextEdition == edition || Edition == edition
            ? []
            : [new VideoEditionRequested(Id, edition, now)];

    /// <summary>
    /// An edition is whole, and takes the place of what plays, unless it is not wanted any more; or there is more of
    /// the one that plays.
    /// </summary>
    public IEnumerable<IEvent> PublishEdition(Video edition, DateTimeOffset now) =>
        IsGone || edition.Status != VideoStatus.Published ? []
        : Edition == edition.Id ? Late(edition, now)
        : NextEdition == edition.Id
            ?
            [
                new VideoEditionPublished(
                    Id,
                    edition.Id,
                    edition.SourceKey!,
                    edition.SizeBytes,
                    edition.Sha256!,
                    edition.Source!,
                    edition.Ladder,
                    edition.SegmentSeconds,
                    [.. edition.Renditions, .. edition.Texts ?? []],
                    edition.Thumbnails,
                    now
                ),
            ]
        : [];

    /// <summary>What is made and measured of an edition after it is published.</summary>
    private IEnumerable<IEvent> Late(Video edition, DateTimeOffset now)
    {
        foreach (var made in edition.Renditions.Where(PictureCodec.IsFurther))
        {
            if (Renditions.All(known => known.Name != made.Name))
                yield return new VideoRenditionEncoded(Id, made, now);
        }

        if (Qualities is null && edition.Qualities is { } qualities)
            yield return new VideoQualityMeasured(Id, qualities, now);
    }
}
