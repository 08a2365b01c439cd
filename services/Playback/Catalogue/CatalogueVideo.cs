using System.Collections.Immutable;
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
    /// <summary>
    /// The durations of the chunks that are there, by their numbers from 1, where the track grows; its segments are
    /// those before the first chunk that is missing.
    /// </summary>
    public ImmutableSortedDictionary<int, IReadOnlyList<double>>? Chunks { get; init; }

    /// <summary>Whether segments are still to come.</summary>
    public bool Grows => Chunks is not null;

    /// <summary>The track with one more chunk, of which <paramref name="part"/> is the rendition alone.</summary>
    public static Track Grown(Track? before, Rendition part, int number)
    {
        var chunks = (before?.Chunks ?? ImmutableSortedDictionary<int, IReadOnlyList<double>>.Empty).SetItem(
            number,
            part.SegmentDurationsSeconds
        );
        var begin = chunks.TakeWhile((chunk, at) => chunk.Key == at + 1).SelectMany(chunk => chunk.Value);
        var media = before?.Media ?? part with { SegmentDurationsSeconds = [] };
        return new Track(media, SegmentRuns.From([.. begin])) { Chunks = chunks };
    }

    /// <summary>The track of a rendition; the single durations are let go.</summary>
    public static Track From(Rendition rendition) =>
        new(rendition with { SegmentDurationsSeconds = [] }, SegmentRuns.From(rendition.SegmentDurationsSeconds));
}

/// <summary>
/// What can be played of one video: its state, the tracks that are ready and the thumbnails, if they are made.
/// </summary>
public sealed record CatalogueVideo(VideoId Id, VideoState State, IReadOnlyList<Track> Tracks, Thumbnails? Thumbnails)
{
    /// <summary>
    /// What names this edition's paths, so that no cache takes its files for those of an edition before; empty for the
    /// first one.
    /// </summary>
    public string EditionSuffix { get; init; } = "";

    /// <summary>The tracks before this edition: players that began with them play on.</summary>
    public IReadOnlyList<Track> Former { get; init; } = [];

    /// <summary>The texts that the publisher sent, which stay when an edition replaces the tracks.</summary>
    public IReadOnlyList<Track> Captions { get; init; } = [];

    /// <summary>Every track that is served.</summary>
    public IEnumerable<Track> Served => [.. Tracks, .. Captions, .. Former];

    /// <summary>
    /// Tracks of a picture that every device plays, from the lowest bandwidth up; one that grows is alone, since the
    /// others end elsewhere.
    /// </summary>
    public IEnumerable<Track> Rungs =>
        Growing is { } growing
            ? growing.Segments.Runs.Count > 0
                ? [growing]
                : []
            : Pictures.Where(track => !PictureCodec.IsFurther(track.Media));

    /// <summary>
    /// Tracks of a picture in standard range in other codecs, by codec and in the same order; most videos have none.
    /// </summary>
    public ILookup<string, Track> FurtherLadders =>
        Pictures
            .Where(track => track.Media.Range is null && PictureCodec.IsFurther(track.Media))
            .ToLookup(track => PictureCodec.Of(track.Media.Codecs)!);

    /// <summary>
    /// Tracks of a picture in its high dynamic range, in the same order; most videos have none, and one that grows not
    /// yet.
    /// </summary>
    public IEnumerable<Track> HighRange =>
        Growing is null ? Pictures.Where(track => track.Media.Range is not null) : [];

    /// <summary>The first rung of a long video, while it is not whole.</summary>
    public Track? Growing => Tracks.FirstOrDefault(track => track.Grows);

    private IEnumerable<Track> Pictures =>
        Tracks.Where(track => track.Media.Kind == Rendition.Video).OrderBy(track => track.Media.BandwidthBps);

    /// <summary>
    /// Tracks of sound, the main one first: it has the shortest name, and the others a number after it.
    /// </summary>
    public IEnumerable<Track> Sounds => AllSounds.Where(track => !PictureCodec.IsFurther(track.Media));

    /// <summary>The same sounds as Opus, which the ladder of VP9 brings.</summary>
    public IEnumerable<Track> OpusSounds => AllSounds.Where(track => PictureCodec.IsFurther(track.Media));

    private IEnumerable<Track> AllSounds =>
        Tracks
            .Where(track => track.Media.Kind == Rendition.Audio)
            .OrderBy(track => track.Media.Name.Length)
            .ThenBy(track => track.Media.Name, StringComparer.Ordinal);

    /// <summary>Subtitles of the file that hold text, and captions.</summary>
    public IEnumerable<Track> Texts =>
        Tracks.Where(track => track.Media.Kind == Rendition.Text && track.Segments.Runs.Count > 0).Concat(Captions);

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
            VideoRenditionEncoded e => With(e).Advance(VideoState.Encoding),
            VideoChunkEncoded e => With(e).Advance(VideoState.Encoding),
            VideoPlayable => Advance(VideoState.Playable),
            VideoPublished => Advance(VideoState.Published),
            VideoSubtitlesMade e => e
                .Texts.Where(text => !HasCaptions(text.Label))
                .Aggregate(this, (video, text) => video.With(Track.From(text))),
            VideoCaptionsSet e => With(e),
            VideoCaptionsRemoved e => WithoutTexts(new TrackLabel("", e.Language, e.Role)),
            VideoRenditionsEvicted e => this with
            {
                Tracks = [.. Tracks.Where(track => !e.Names.Any(name => track.Media.Name == name + EditionSuffix))],
            },
            VideoThumbnailsMade e => this with { Thumbnails = e.Thumbnails },
            VideoEditionPublished e => With(e),
            VideoRejected => this with { State = VideoState.Rejected },
            // A rung that could not be made does not take away what can be played already.
            VideoEncodeFailed => IsPlayable && Growing is null ? this : this with { State = VideoState.Failed },
            // What would have no end is not offered.
            VideoEncodeCancelled when Growing is not null => this with { State = VideoState.Failed },
            _ => this,
        };

    private CatalogueVideo Advance(VideoState state)
    {
        // A later attempt may bring a video that had failed to its viewers after all.
        var recovers = State == VideoState.Failed && state is VideoState.Playable or VideoState.Published;
        return state > State || recovers ? this with { State = state } : this;
    }

    private CatalogueVideo With(VideoEditionPublished e)
    {
        // The end of an id is its random part.
        var suffix = $"-{e.Edition.Value.ToString("N")[^8..]}";
        if (suffix == EditionSuffix)
            return this;
        return this with
        {
            State = VideoState.Published,
            Former = Tracks,
            Tracks =
            [
                .. e
                    .Renditions.Where(made => made.Kind != Rendition.Text || !HasCaptions(made.Label))
                    .Select(made => Track.From(made with { Name = made.Name + suffix })),
            ],
            Thumbnails = e.Thumbnails,
            EditionSuffix = suffix,
        };
    }

    /// <summary>A chunk of a track that is whole already comes again.</summary>
    private CatalogueVideo With(VideoChunkEncoded e)
    {
        var before = Tracks.FirstOrDefault(track => track.Media.Name == e.Part.Name);
        return EditionSuffix.Length > 0 || before is { Grows: false }
            ? this
            : With(Track.Grown(before, e.Part, e.Number));
    }

    /// <summary>What an edition gets after it is published is new: further ladders, and rungs on request.</summary>
    private CatalogueVideo With(VideoRenditionEncoded e)
    {
        var track = Track.From(e.Rendition with { Name = e.Rendition.Name + EditionSuffix });
        return EditionSuffix.Length > 0 && Tracks.Any(known => known.Media.Name == track.Media.Name)
            ? this
            : With(track);
    }

    private bool HasCaptions(TrackLabel? label) => Captions.Any(sent => sent.Media.Label!.IsSameTrack(label));

    private CatalogueVideo WithoutTexts(TrackLabel label) =>
        this with
        {
            Tracks =
            [
                .. Tracks.Where(track => track.Media.Kind != Rendition.Text || !label.IsSameTrack(track.Media.Label)),
            ],
            Captions = [.. Captions.Where(track => !label.IsSameTrack(track.Media.Label))],
        };

    private CatalogueVideo With(VideoCaptionsSet e)
    {
        var others = WithoutTexts(e.Captions.Label!);
        return others with { Captions = [.. others.Captions, Track.From(e.Captions)] };
    }

    private CatalogueVideo With(Track track) =>
        this with
        {
            Tracks = [.. Tracks.Where(other => other.Media.Name != track.Media.Name), track],
        };
}
