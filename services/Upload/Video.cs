using System.Collections.Immutable;
using EventStream.Contracts;
using EventStream.EventStore;

namespace EventStream.Upload;

/// <summary>
/// How far a video is. A playable video goes on to published; rejected, failed and cancelled are ends, and each can be
/// made again and deleted.
/// </summary>
public enum VideoStatus
{
    None,
    Registered,
    Uploaded,
    Probed,
    Encoding,
    Playable,
    Published,
    Rejected,
    Failed,
    Deleted,
    Cancelled,
}

/// <summary>
/// The video: from a publisher's announcement to a ladder that can be played. This is the whole of its truth: the
/// state, one pure <c>On</c> per event, one pure decision per command. A decision that is already taken returns no
/// events, so that every command may be delivered again.
/// </summary>
public sealed partial record Video : IAggregate<Video>
{
    public VideoId Id { get; init; }
    public VideoStatus Status { get; init; }
    public string Publisher { get; init; } = "";
    public string Title { get; init; } = "";
    public string FileName { get; init; } = "";
    public long SizeBytes { get; init; }
    public string? SourceKey { get; init; }
    public string? Sha256 { get; init; }
    public SourceInfo? Source { get; init; }
    public ImmutableArray<Rung> Ladder { get; init; } = [];
    public double SegmentSeconds { get; init; }
    public ImmutableArray<Rendition> Renditions { get; init; } = [];
    public Thumbnails? Thumbnails { get; init; }

    /// <summary>Whether the thumbnails were given up.</summary>
    public bool ThumbnailsMissing { get; init; }

    /// <summary>The subtitles, null until they are made.</summary>
    public IReadOnlyList<Rendition>? Texts { get; init; }

    /// <summary>How near each picture is to the source, null until that is measured.</summary>
    public IReadOnlyList<RenditionQuality>? Qualities { get; init; }

    /// <summary>Rungs that are made when a viewer comes, whether they are there or not.</summary>
    public IReadOnlyList<Rung> Deferred { get; init; } = [];

    /// <summary>Why it was rejected or given up, and what to do about it.</summary>
    public string? Problem { get; init; }

    public string? Remedy { get; init; }
    public ImmutableArray<string> Tags { get; init; } = [];

    /// <summary>The publisher's own words about it, by name.</summary>
    public ImmutableSortedDictionary<string, string> Metadata { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>How often title, tags and metadata were set, from 1 at its registration.</summary>
    public int Revision { get; init; }

    /// <summary>The video whose place this one is to take; null for a video of its own.</summary>
    public VideoId? EditionOf { get; init; }

    /// <summary>The edition that plays, null for the first one; and the one that is on its way.</summary>
    public VideoId? Edition { get; init; }

    public VideoId? NextEdition { get; init; }

    /// <summary>The first rung of a long video, which grows, and the parts of it that can be played.</summary>
    public string? GrowingRung { get; init; }

    public ImmutableSortedSet<int> Chunks { get; init; } = [];

    public DateTimeOffset RegisteredAt { get; init; }
    public DateTimeOffset? PlayableAt { get; init; }
    public DateTimeOffset? PublishedAt { get; init; }
    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>Whether no report of an encoder changes it any more.</summary>
    public bool IsEnded =>
        Status
            is VideoStatus.Published
                or VideoStatus.Rejected
                or VideoStatus.Failed
                or VideoStatus.Cancelled
                or VideoStatus.Deleted;

    /// <summary>The main sound is named for its kind.</summary>
    private bool HasAudio => Sounds.Any(rendition => rendition.Name == Rendition.Audio);

    private IEnumerable<Rendition> Sounds =>
        Renditions.Where(rendition => rendition.Kind == Rendition.Audio && !PictureCodec.IsFurther(rendition));

    private bool WantsAudio => Source?.AudioCodec is not null;

    /// <summary>The rung that can be played, whole or in part.</summary>
    private string? FirstRung =>
        Renditions.FirstOrDefault(made => made.Kind == Rendition.Video && !PictureCodec.IsFurther(made))?.Name
        ?? (Chunks.Contains(1) ? GrowingRung : null);

    private bool CanPlay => FirstRung is not null && (HasAudio || !WantsAudio);

    private bool HasThumbnailsOrNever => Thumbnails is not null || ThumbnailsMissing;

    private bool IsWhole =>
        CanPlay
        && HasThumbnailsOrNever
        && (Texts is not null || Source?.Texts is null)
        && Sounds.Count() >= (Source?.Sounds?.Count ?? 0)
        && Ladder.Length > 0
        && Ladder.All(rung => Renditions.Any(rendition => rendition.Name == rung.Name));

    public Video Fold(IMessage message) =>
        message switch
        {
            VideoRegistered registered => On(registered),
            VideoUploaded uploaded => On(uploaded),
            VideoProbed probed => On(probed),
            VideoEncodePlanned planned => On(planned),
            VideoLadderChosen chosen => this with { Ladder = [.. chosen.Ladder] },
            VideoRenditionEncoded encoded => On(encoded),
            VideoChunkEncoded chunk => On(chunk),
            VideoPlayable playable => On(playable),
            VideoThumbnailsMade made => On(made),
            VideoThumbnailsMissing => this with { ThumbnailsMissing = true },
            VideoSubtitlesMade made => On(made),
            VideoCaptionsSet set => On(set),
            VideoCaptionsRemoved removed => On(removed),
            VideoQualityMeasured measured => this with { Qualities = measured.Qualities },
            VideoRungsDeferred deferred => this with { Deferred = deferred.Rungs },
            VideoRenditionsEvicted evicted => On(evicted),
            VideoPublished published => On(published),
            VideoRejected rejected => On(rejected),
            VideoEncodeFailed failed => On(failed),
            VideoDescribed described => On(described),
            VideoEncodeCancelled => On(this),
            VideoEditionRequested requested => this with { NextEdition = requested.Edition },
            VideoEditionPublished published => On(published),
            VideoDeleted deleted => On(deleted),
            StreamTombstoned => this,
            _ => throw new InvalidOperationException($"A video's stream does not hold {message.GetType().Name}."),
        };

    private Video On(VideoRegistered e) =>
        this with
        {
            Id = e.VideoId,
            Status = VideoStatus.Registered,
            Publisher = e.Publisher,
            Title = e.Title,
            FileName = e.FileName,
            SizeBytes = e.SizeBytes,
            Revision = 1,
            EditionOf = e.EditionOf,
            RegisteredAt = e.RegisteredAt,
        };

    private Video On(VideoUploaded e) =>
        this with
        {
            Status = VideoStatus.Uploaded,
            SourceKey = e.SourceKey,
            SizeBytes = e.SizeBytes,
            Sha256 = e.Sha256,
        };

    private Video On(VideoProbed e) => this with { Status = VideoStatus.Probed, Source = e.Source };

    private Video On(VideoEncodePlanned e) =>
        this with
        {
            Status = VideoStatus.Encoding,
            Ladder = [.. e.Ladder],
            SegmentSeconds = e.SegmentSeconds,
        };

    private Video On(VideoRenditionEncoded e) => this with { Renditions = Renditions.Add(e.Rendition) };

    private Video On(VideoChunkEncoded e) => this with { Chunks = Chunks.Add(e.Number), GrowingRung = e.Part.Name };

    private Video On(VideoPlayable e) => this with { Status = VideoStatus.Playable, PlayableAt = e.PlayableAt };

    private Video On(VideoThumbnailsMade e) => this with { Thumbnails = e.Thumbnails };

    private Video On(VideoRenditionsEvicted e) =>
        this with
        {
            Renditions = [.. Renditions.Where(rendition => !e.Names.Contains(rendition.Name))],
        };

    private Video On(VideoPublished e) => this with { Status = VideoStatus.Published, PublishedAt = e.PublishedAt };

    private Video On(VideoRejected e) =>
        this with
        {
            Status = VideoStatus.Rejected,
            Problem = e.Reason,
            Remedy = e.Remedy,
        };

    private Video On(VideoEncodeFailed e) =>
        this with
        {
            Status = VideoStatus.Failed,
            Problem = FailureWords.Of(e.Task),
            Remedy = "Upload the file again, or another copy of it.",
        };

    private Video On(VideoDescribed e) =>
        this with
        {
            Title = e.Title,
            Tags = [.. e.Tags],
            Metadata = Metadata.Clear().AddRange(e.Metadata),
            Revision = Revision + 1,
        };

    private static Video On(Video cancelled) =>
        cancelled with
        {
            Status = cancelled.CanBeCancelled ? VideoStatus.Cancelled : cancelled.Status,
            NextEdition = null,
        };

    private Video On(VideoDeleted e) => this with { Status = VideoStatus.Deleted, DeletedAt = e.DeletedAt };

    /// <summary>
    /// A publisher announces a file. Size in bytes, 0 if given later; <see cref="VideoTitle"/> makes the title.
    /// </summary>
    public IEnumerable<IEvent> Register(
        VideoId id,
        string publisher,
        string? title,
        string fileName,
        long sizeBytes,
        DateTimeOffset now,
        VideoId? editionOf = null
    ) =>
        Status == VideoStatus.None
            ?
            [
                new VideoRegistered(
                    id,
                    publisher,
                    VideoTitle.Of(title, fileName, now),
                    fileName,
                    sizeBytes,
                    now,
                    editionOf
                ),
            ]
            : [];

    /// <summary>Every byte is stored and its checksum known.</summary>
    public IEnumerable<IEvent> CompleteUpload(string sourceKey, long sizeBytes, string sha256, DateTimeOffset now) =>
        Status == VideoStatus.Registered ? [new VideoUploaded(Id, sourceKey, sizeBytes, sha256, now)] : [];

    /// <summary>It cannot become a video. What can be played already stays.</summary>
    public IEnumerable<IEvent> Reject(string reason, string remedy, DateTimeOffset now) =>
        Status is VideoStatus.Registered or VideoStatus.Uploaded or VideoStatus.Probed
            ? [new VideoRejected(Id, reason, remedy, now)]
            : [];

    /// <summary>The source was read.</summary>
    public IEnumerable<IEvent> RecordProbe(SourceInfo source, DateTimeOffset now) =>
        Status == VideoStatus.Uploaded ? [new VideoProbed(Id, source, now)] : [];

    /// <summary>The ladder was chosen.</summary>
    public IEnumerable<IEvent> RecordPlan(IReadOnlyList<Rung> ladder, double segmentSeconds, DateTimeOffset now) =>
        Status == VideoStatus.Probed ? [new VideoEncodePlanned(Id, ladder, segmentSeconds, now)] : [];

    /// <summary>The ladder was chosen again, by what the title needs.</summary>
    public IEnumerable<IEvent> RecordLadder(IReadOnlyList<Rung> ladder, DateTimeOffset now) =>
        !IsBeingEncoded || Ladder.SequenceEqual(ladder) ? [] : Follow(new VideoLadderChosen(Id, ladder, now), now);

    /// <summary>
    /// Rungs and sounds that one task made are stored: perhaps the one that makes it playable, or the last one.
    /// </summary>
    public IEnumerable<IEvent> RecordRenditions(IReadOnlyList<Rendition> made, DateTimeOffset now)
    {
        var video = this;
        foreach (var rendition in made)
        {
            if (!(video.IsBeingEncoded || video.IsLate(rendition)))
                continue;
            if (video.Renditions.Any(known => known.Name == rendition.Name))
                continue;
            foreach (var e in video.Follow(new VideoRenditionEncoded(Id, rendition, now), now))
            {
                video = video.Fold(e);
                yield return e;
            }
        }
    }

    /// <summary>
    /// Part <paramref name="number"/> of the first rung is stored: perhaps the one that makes it playable.
    /// </summary>
    public IEnumerable<IEvent> RecordChunk(Rendition part, int number, int of, DateTimeOffset now) =>
        !IsBeingEncoded || Chunks.Contains(number) || Renditions.Any(known => known.Name == part.Name)
            ? []
            : Follow(new VideoChunkEncoded(Id, part, number, of, now), now);

    /// <summary>Poster and sprite are stored.</summary>
    public IEnumerable<IEvent> RecordThumbnails(Thumbnails thumbnails, DateTimeOffset now) =>
        !IsBeingEncoded || Thumbnails is not null ? [] : Follow(new VideoThumbnailsMade(Id, thumbnails, now), now);

    /// <summary>Poster and sprite were given up.</summary>
    public IEnumerable<IEvent> RecordThumbnailsMissing(string cause, DateTimeOffset now) =>
        !IsBeingEncoded || HasThumbnailsOrNever ? [] : Follow(new VideoThumbnailsMissing(Id, cause, now), now);

    /// <summary>The subtitles are stored, or were given up.</summary>
    public IEnumerable<IEvent> RecordSubtitles(IReadOnlyList<Rendition> texts, DateTimeOffset now) =>
        !IsBeingEncoded || Texts is not null ? [] : Follow(new VideoSubtitlesMade(Id, texts, now), now);

    /// <summary>The quality of the pictures is known, at any time after they can be played.</summary>
    public IEnumerable<IEvent> RecordQuality(IReadOnlyList<RenditionQuality> qualities, DateTimeOffset now) =>
        IsGone || Edition is not null || PlayableAt is null || Qualities is not null
            ? []
            : [new VideoQualityMeasured(Id, qualities, now)];

    /// <summary>Some rungs are made when a viewer comes.</summary>
    public IEnumerable<IEvent> RecordDeferred(IReadOnlyList<Rung> rungs, DateTimeOffset now) =>
        Status is VideoStatus.None or VideoStatus.Registered || IsEnded || Deferred.Count > 0
            ? []
            : [new VideoRungsDeferred(Id, rungs, now)];

    /// <summary>Rungs that were made on request are gone until a viewer comes.</summary>
    public IEnumerable<IEvent> RecordEvicted(IReadOnlyList<string> names, DateTimeOffset now) =>
        IsGone || Edition is not null || !Renditions.Any(rendition => names.Contains(rendition.Name))
            ? []
            : [new VideoRenditionsEvicted(Id, names, now)];

    /// <summary>A task without which there is no video was given up after its last attempt.</summary>
    public IEnumerable<IEvent> RecordFailure(string task, string cause, DateTimeOffset now) =>
        Status is VideoStatus.None or VideoStatus.Registered || IsEnded || IsDeferred(task)
            ? []
            : [new VideoEncodeFailed(Id, task, cause, now)];

    /// <summary>The publisher says what it is called, and what else there is to say of it.</summary>
    public IEnumerable<IEvent> Describe(VideoDescription wanted, DateTimeOffset now) =>
        IsGone || wanted.Equals(VideoDescription.Of(this))
            ? []
            : [new VideoDescribed(Id, wanted.Title, wanted.Tags, wanted.Metadata, now)];

    /// <summary>The publisher stops what is being encoded.</summary>
    public IEnumerable<IEvent> Cancel(DateTimeOffset now) =>
        CanBeCancelled || NextEdition is not null ? [new VideoEncodeCancelled(Id, now)] : [];

    /// <summary>The publisher takes it away, wherever it is on its way.</summary>
    public IEnumerable<IEvent> Delete(DateTimeOffset now) => IsGone ? [] : [new VideoDeleted(Id, now)];

    private bool IsGone => Status is VideoStatus.None or VideoStatus.Deleted;

    private bool CanBeCancelled => Status is VideoStatus.Uploaded or VideoStatus.Probed || IsBeingEncoded;

    /// <summary>A video is published without its further ladders, and without what is made on request.</summary>
    private bool IsLate(Rendition rendition) =>
        Status == VideoStatus.Published && Edition is null && MayBeLate(rendition);

    private bool MayBeLate(Rendition rendition) => PictureCodec.IsFurther(rendition) || IsDeferred(rendition.Name);

    private bool IsDeferred(string rung) => Deferred.Any(deferred => deferred.Name == rung);

    private bool IsBeingEncoded => Status is VideoStatus.Encoding or VideoStatus.Playable;

    /// <summary>The event, and what it brings with it: playable, published.</summary>
    private IEnumerable<IEvent> Follow(IEvent e, DateTimeOffset now)
    {
        yield return e;
        var after = Fold(e);
        if (after is { CanPlay: true, PlayableAt: null })
            yield return new VideoPlayable(Id, after.FirstRung!, now);
        if (after is { IsWhole: true, PublishedAt: null })
            yield return new VideoPublished(Id, now);
    }
}
