using EventStream.Contracts;

namespace EventStream.Playback.Catalogue;

/// <summary>How far a video is on its way to viewers.</summary>
public enum VideoState
{
    Registered,
    Uploaded,
    Encoding,
    Playable,
    Published,
    Rejected,
    Failed,
}

/// <summary>A packaged track, with the durations of its segments joined to runs.</summary>
public sealed record Track(Rendition Media, SegmentRuns Segments)
{
    /// <summary>The track of a rendition; the single durations are let go.</summary>
    public static Track From(Rendition rendition) =>
        new(rendition with { SegmentDurationsSeconds = [] }, SegmentRuns.From(rendition.SegmentDurationsSeconds));
}

/// <summary>
/// What can be played of one video: its state, the tracks that are ready and the thumbnails, if they are made.
/// </summary>
public sealed record CatalogueVideo(VideoId Id, VideoState State, IReadOnlyList<Track> Tracks, Thumbnails? Thumbnails)
{
    /// <summary>Tracks of a picture in standard range, from the lowest bandwidth up.</summary>
    public IEnumerable<Track> Rungs => Pictures.Where(track => track.Media.Range is null);

    /// <summary>Tracks of a picture in its high dynamic range, in the same order; most videos have none.</summary>
    public IEnumerable<Track> HighRange => Pictures.Where(track => track.Media.Range is not null);

    private IEnumerable<Track> Pictures =>
        Tracks.Where(track => track.Media.Kind == Rendition.Video).OrderBy(track => track.Media.BandwidthBps);

    /// <summary>Tracks of sound, the main one first: it is named for its kind, and the others after it.</summary>
    public IEnumerable<Track> Sounds =>
        Tracks
            .Where(track => track.Media.Kind == Rendition.Audio)
            .OrderBy(track => track.Media.Name, StringComparer.Ordinal);

    /// <summary>Subtitles that hold text.</summary>
    public IEnumerable<Track> Texts =>
        Tracks.Where(track => track.Media.Kind == Rendition.Text && track.Segments.Runs.Count > 0);

    /// <summary>Whether players may have it.</summary>
    public bool IsPlayable => State is VideoState.Playable or VideoState.Published && Rungs.Any();

    /// <summary>A video of which only the id is known.</summary>
    public static CatalogueVideo New(VideoId id) => new(id, VideoState.Registered, [], null);

    /// <summary>
    /// The video after an event; unchanged by events that playback does not care for, and by repetition.
    /// </summary>
    public CatalogueVideo Apply(IMessage message) =>
        message switch
        {
            VideoUploaded => Advance(VideoState.Uploaded),
            VideoProbed or VideoEncodePlanned => Advance(VideoState.Encoding),
            VideoRenditionEncoded e => With(Track.From(e.Rendition)).Advance(VideoState.Encoding),
            VideoPlayable => Advance(VideoState.Playable),
            VideoPublished => Advance(VideoState.Published),
            VideoSubtitlesMade e => e
                .Texts.Where(text => !Texts.Any(set => IsSame(set, text.Label)))
                .Aggregate(this, (video, text) => video.With(Track.From(text))),
            VideoCaptionsSet e => WithoutTexts(e.Captions.Label!).With(Track.From(e.Captions)),
            VideoCaptionsRemoved e => WithoutTexts(new TrackLabel("", e.Language, e.Role)),
            VideoThumbnailsMade e => this with { Thumbnails = e.Thumbnails },
            VideoRejected => this with { State = VideoState.Rejected },
            // A rung that could not be made does not take away what can be played already.
            VideoEncodeFailed => IsPlayable ? this : this with { State = VideoState.Failed },
            _ => this,
        };

    private CatalogueVideo Advance(VideoState state)
    {
        // A later attempt may bring a video that had failed to its viewers after all.
        var recovers = State == VideoState.Failed && state is VideoState.Playable or VideoState.Published;
        return state > State || recovers ? this with { State = state } : this;
    }

    private CatalogueVideo WithoutTexts(TrackLabel label) =>
        this with
        {
            Tracks = [.. Tracks.Where(track => track.Media.Kind != Rendition.Text || !IsSame(track, label))],
        };

    private static bool IsSame(Track track, TrackLabel? label) =>
        label?.IsSameTrack(track.Media.Label) ?? track.Media.Label is null;

    private CatalogueVideo With(Track track) =>
        this with
        {
            Tracks = [.. Tracks.Where(other => other.Media.Name != track.Media.Name), track],
        };
}
