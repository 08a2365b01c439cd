namespace EventStream.Contracts;

/// <summary>
/// A publisher announced a file. Size in bytes, 0 where the publisher gives it later; the source does not exist yet.
/// With <paramref name="EditionOf"/> it is made to take the place of what that video plays, and is none of its own.
/// </summary>
[WireName("video.registered.v1")]
public sealed record VideoRegistered(
    VideoId VideoId,
    [property: PersonalData] string Publisher,
    string Title,
    [property: PersonalData(nameof(VideoRegistered.Publisher))] string FileName,
    long SizeBytes,
    DateTimeOffset RegisteredAt,
    VideoId? EditionOf = null
) : IVideoEvent;

/// <summary>
/// Every byte of the source is stored under <paramref name="SourceKey"/> and its SHA-256 (lower-case hex) is known.
/// </summary>
[WireName("video.uploaded.v1")]
public sealed record VideoUploaded(
    VideoId VideoId,
    string SourceKey,
    long SizeBytes,
    string Sha256,
    DateTimeOffset UploadedAt
) : IVideoEvent;

/// <summary>The source was read by ffprobe and can be encoded.</summary>
[WireName("video.probed.v1")]
public sealed record VideoProbed(VideoId VideoId, SourceInfo Source, DateTimeOffset ProbedAt) : IVideoEvent;

/// <summary>The ladder was chosen; no rung is above the source.</summary>
[WireName("video.encode-planned.v1")]
public sealed record VideoEncodePlanned(
    VideoId VideoId,
    IReadOnlyList<Rung> Ladder,
    double SegmentSeconds,
    DateTimeOffset PlannedAt
) : IVideoEvent;

/// <summary>The ladder that the title needs; it replaces the planned one, whose first rung it keeps.</summary>
[WireName("video.ladder-chosen.v1")]
public sealed record VideoLadderChosen(VideoId VideoId, IReadOnlyList<Rung> Ladder, DateTimeOffset ChosenAt)
    : IVideoEvent;

/// <summary>One rung, or the audio track, is encoded, packaged and stored.</summary>
[WireName("video.rendition-encoded.v1")]
public sealed record VideoRenditionEncoded(VideoId VideoId, Rendition Rendition, DateTimeOffset EncodedAt)
    : IVideoEvent;

/// <summary>
/// Part <paramref name="Number"/> of <paramref name="Of"/>, from 1, of the first rung of a long video can be played:
/// <paramref name="Part"/> is the rendition of that part alone.
/// </summary>
[WireName("video.chunk-encoded.v1")]
public sealed record VideoChunkEncoded(VideoId VideoId, Rendition Part, int Number, int Of, DateTimeOffset EncodedAt)
    : IVideoEvent;

/// <summary>
/// The first rung, or of a long video its first chunk, and the audio can be played, while more may still be encoded.
/// </summary>
[WireName("video.playable.v1")]
public sealed record VideoPlayable(VideoId VideoId, string FirstRung, DateTimeOffset PlayableAt) : IVideoEvent;

/// <summary>The poster and the thumbnail sprite with its WebVTT index are stored under these media keys.</summary>
[WireName("video.thumbnails-made.v1")]
public sealed record VideoThumbnailsMade(VideoId VideoId, Thumbnails Thumbnails, DateTimeOffset MadeAt) : IVideoEvent;

/// <summary>
/// No thumbnails could be made, after every attempt; <paramref name="Cause"/> says why. The video goes on without them.
/// </summary>
[WireName("video.thumbnails-missing.v1")]
public sealed record VideoThumbnailsMissing(VideoId VideoId, string Cause, DateTimeOffset GivenUpAt) : IVideoEvent;

/// <summary>
/// The subtitles of the source are stored as WebVTT: whole, and in segments. One without segments held no text; there
/// are none where they were given up.
/// </summary>
[WireName("video.subtitles-made.v1")]
public sealed record VideoSubtitlesMade(VideoId VideoId, IReadOnlyList<Rendition> Texts, DateTimeOffset MadeAt)
    : IVideoEvent;

/// <summary>
/// The publisher sent captions, stored as WebVTT. They take the place of every text of their language and role.
/// </summary>
[WireName("video.captions-set.v1")]
public sealed record VideoCaptionsSet(VideoId VideoId, Rendition Captions, DateTimeOffset SetAt) : IVideoEvent;

/// <summary>
/// The publisher removed the captions of a language, a BCP 47 tag, and role, one of <see cref="TrackLabel"/>.
/// </summary>
[WireName("video.captions-removed.v1")]
public sealed record VideoCaptionsRemoved(VideoId VideoId, string Language, string? Role, DateTimeOffset RemovedAt)
    : IVideoEvent;

/// <summary>
/// The renditions were compared with their source, after the video was published; given up, nothing is missing.
/// </summary>
[WireName("video.quality-measured.v1")]
public sealed record VideoQualityMeasured(
    VideoId VideoId,
    IReadOnlyList<RenditionQuality> Qualities,
    DateTimeOffset MeasuredAt
) : IVideoEvent;

/// <summary>Rungs that are made when a viewer comes; the video is whole without them.</summary>
[WireName("video.rungs-deferred.v1")]
public sealed record VideoRungsDeferred(VideoId VideoId, IReadOnlyList<Rung> Rungs, DateTimeOffset DeferredAt)
    : IVideoEvent;

/// <summary>Renditions, by their names, that were made on request and are deleted: nobody watched for long.</summary>
[WireName("video.renditions-evicted.v1")]
public sealed record VideoRenditionsEvicted(VideoId VideoId, IReadOnlyList<string> Names, DateTimeOffset EvictedAt)
    : IVideoEvent;

/// <summary>Every planned rendition is there, and thumbnails and subtitles are, or were given up.</summary>
[WireName("video.published.v1")]
public sealed record VideoPublished(VideoId VideoId, DateTimeOffset PublishedAt) : IVideoEvent;

/// <summary>
/// The source cannot become a video; <paramref name="Reason"/> names the fault and <paramref name="Remedy"/> what to
/// do.
/// </summary>
[WireName("video.rejected.v1")]
public sealed record VideoRejected(VideoId VideoId, string Reason, string Remedy, DateTimeOffset RejectedAt)
    : IVideoEvent;

/// <summary>Encoding was given up after its bounded number of attempts.</summary>
[WireName("video.encode-failed.v1")]
public sealed record VideoEncodeFailed(VideoId VideoId, string Task, string Cause, DateTimeOffset FailedAt)
    : IVideoEvent;

/// <summary>
/// The publisher described the video; this holds from now on, and replaces what was said before. Tags in the
/// publisher's order; metadata is the publisher's own, by name.
/// </summary>
[WireName("video.described.v1")]
public sealed record VideoDescribed(
    VideoId VideoId,
    string Title,
    IReadOnlyList<string> Tags,
    IReadOnlyDictionary<string, string> Metadata,
    DateTimeOffset DescribedAt
) : IVideoEvent;

/// <summary>
/// The publisher stopped what was being encoded of the video, and the edition that was on its way. What can be played
/// stays.
/// </summary>
[WireName("video.encode-cancelled.v1")]
public sealed record VideoEncodeCancelled(VideoId VideoId, DateTimeOffset CancelledAt) : IVideoEvent;

/// <summary>
/// The publisher wants the video made again, of another file or of its own: as <paramref name="Edition"/>, which has a
/// history of its own. What plays now plays on until that is published.
/// </summary>
[WireName("video.edition-requested.v1")]
public sealed record VideoEditionRequested(VideoId VideoId, VideoId Edition, DateTimeOffset RequestedAt) : IVideoEvent;

/// <summary>
/// An edition takes the place of what the video played: all of it is here, and nothing of what was said before of its
/// source and renditions holds any more. <paramref name="Renditions"/> has its subtitles too; thumbnails are null where
/// they could not be made. The media stays under the edition's keys. SHA-256 in lower-case hex.
/// </summary>
[WireName("video.edition-published.v1")]
public sealed record VideoEditionPublished(
    VideoId VideoId,
    VideoId Edition,
    string SourceKey,
    long SizeBytes,
    string Sha256,
    SourceInfo Source,
    IReadOnlyList<Rung> Ladder,
    double SegmentSeconds,
    IReadOnlyList<Rendition> Renditions,
    Thumbnails? Thumbnails,
    DateTimeOffset PublishedAt
) : IVideoEvent;

/// <summary>
/// The publisher deleted the video: the last event of its life. Its media is removed, and a reader that keeps rows
/// about the video removes them or marks them; what happened before stays in the history.
/// </summary>
[WireName("video.deleted.v1")]
public sealed record VideoDeleted(VideoId VideoId, DateTimeOffset DeletedAt) : IVideoEvent;

/// <summary>
/// What was read of a source. Duration in seconds; sizes in pixels; rate in frames per second, of an interlaced picture
/// in fields. Where <paramref name="StartSeconds"/> is set, the duration was measured by reading the file and is what
/// plays: that many seconds after the container's zero the first picture or sound begins. Where it is null, the
/// container announced it. <paramref name="AudioCodec"/> and <paramref name="AudioChannels"/> are those of the first of
/// <paramref name="Sounds"/>, the main one; records from before streams were chosen lack the members from the picture
/// on. <paramref name="Sha256"/> is the checksum of the file, where it is known. The picture can be read from any time
/// on where <paramref name="KeyFrameSeconds"/> is set: the longest time between two key frames.
/// </summary>
public sealed record SourceInfo(
    double DurationSeconds,
    int Width,
    int Height,
    double FramesPerSecond,
    string VideoCodec,
    string? AudioCodec,
    int AudioChannels,
    long SizeBytes,
    double? StartSeconds = null,
    SourcePicture? Picture = null,
    IReadOnlyList<SourceSound>? Sounds = null,
    IReadOnlyList<SourceText>? Texts = null,
    string? Sha256 = null,
    double? KeyFrameSeconds = null
);

/// <summary>
/// The stream of a source that is its picture; <c>Index</c> is ffmpeg's number of a stream in the file. Colours are in
/// ffmpeg's words (<c>smpte2084</c>, <c>bt2020</c>, <c>bt2020nc</c>), null where the source states none.
/// </summary>
public sealed record SourcePicture(
    int Index,
    bool? Interlaced = null,
    string? Transfer = null,
    string? Primaries = null,
    string? Matrix = null
);

/// <summary>
/// A stream of sound that becomes a rendition. <c>Layout</c> is ffmpeg's word, null where the channels have none;
/// <c>RightIndex</c> is the stream of its right channel, where two streams of one channel are one stereo sound.
/// <c>Language</c> is a BCP 47 tag; <c>Role</c> one of <see cref="TrackLabel"/>.
/// </summary>
public sealed record SourceSound(
    int Index,
    string Codec,
    int Channels,
    string? Layout = null,
    int? RightIndex = null,
    string? Language = null,
    string? Title = null,
    string? Role = null
);

/// <summary>
/// A stream of subtitles in text. <c>Language</c> is a BCP 47 tag; <c>Role</c> one of <see cref="TrackLabel"/>.
/// </summary>
public sealed record SourceText(
    int Index,
    string Codec,
    string? Language = null,
    string? Title = null,
    string? Role = null
)
{
    /// <summary>The name of the task that writes all of them.</summary>
    public const string Task = "subtitles";
}

/// <summary>
/// One step of the ladder: name such as <c>720p</c>, picture size in pixels, target bitrates in bits per second. Where
/// <c>Crf</c> is set, the picture is of that constant quality (x264's rate factor; less is better), and the bitrate is
/// the most that it may take.
/// </summary>
public sealed record Rung(string Name, int Width, int Height, int VideoBitrateBps, double? Crf = null);

/// <summary>
/// What excerpts of a source take as <c>Rung</c> at a constant quality: bits per second of the picture, and SSIM of all
/// planes in 0..1, compared at the source's size. Both are 0 until they are measured.
/// </summary>
public sealed record LadderSample(string Rung, double Crf, int BitsPerSecond = 0, double Ssim = 0)
{
    /// <summary>The name of the task that measures all of them.</summary>
    public const string Task = "analysis";
}

/// <summary>
/// One encoded and packaged CMAF track. <c>Prefix</c> is the media key of its folder, which holds <c>init.mp4</c>,
/// segments <c>1.m4s</c>, <c>2.m4s</c> ... and <c>media.m3u8</c>. Bandwidths in bits per second, measured from the
/// segments; <c>Codecs</c> is the RFC 6381 string; <c>SegmentDurationsSeconds</c> has one entry a segment.
/// <c>Range</c> is one of <see cref="VideoRange"/>, null for a standard range. Where <c>KeyFrameBandwidthBps</c> is
/// set, <c>iframes.m3u8</c> lists the key frames, which take so many bits per second.
/// </summary>
public sealed record Rendition(
    string Name,
    string Kind,
    string Prefix,
    string Codecs,
    int Width,
    int Height,
    double FramesPerSecond,
    int BandwidthBps,
    int AverageBandwidthBps,
    IReadOnlyList<double> SegmentDurationsSeconds,
    long SizeBytes,
    TrackLabel? Label = null,
    string? Range = null,
    int? KeyFrameBandwidthBps = null
)
{
    public const string Video = "video";
    public const string Audio = "audio";
    public const string Text = "text";
}

/// <summary>
/// How near the picture of the rendition <c>Name</c> is to its source, compared at the source's size and rate: SSIM of
/// all planes in 0..1, and PSNR of all planes in dB, 100 where nothing differs. <c>Frames</c> were compared, spread
/// over <c>MeasuredSeconds</c> of the video.
/// </summary>
public sealed record RenditionQuality(string Name, double Ssim, double PsnrDb, int Frames, double MeasuredSeconds)
{
    /// <summary>The name of the task that measures all of them.</summary>
    public const string Task = "quality";
}

/// <summary>
/// What viewers choose a track by: its name in a menu, its language as a BCP 47 tag, and its role, null for the
/// ordinary one of a language.
/// </summary>
public sealed record TrackLabel(string Name, string? Language = null, string? Role = null)
{
    public const string Commentary = "commentary";

    /// <summary>Whether both are of one language and role, so that one takes the place of the other.</summary>
    public bool IsSameTrack(TrackLabel? other) => other?.Language == Language && other?.Role == Role;

    /// <summary>Sound that describes the picture.</summary>
    public const string Description = "description";

    /// <summary>Sound with speech that is easy to understand.</summary>
    public const string ClearSpeech = "clear-speech";

    /// <summary>Subtitles that also name sounds.</summary>
    public const string Captions = "captions";

    /// <summary>Subtitles of what is not in the language of the sound.</summary>
    public const string Forced = "forced";
}

/// <summary>Media keys of the poster (JPEG), the sprite (JPEG) and the sprite's index (WebVTT).</summary>
public sealed record Thumbnails(string PosterKey, string SpriteKey, string IndexKey)
{
    /// <summary>The name of the task that makes them.</summary>
    public const string Task = "thumbnails";
}
