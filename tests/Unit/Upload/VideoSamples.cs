using System.Collections.Immutable;
using EventStream.Contracts;
using EventStream.Upload;

namespace EventStream.Unit.Tests.Upload;

/// <summary>A video of two rungs and its events, as the specification of the video tells them.</summary>
internal static class VideoSamples
{
    public static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    public static readonly VideoId Id = VideoId.New(Now);
    public static readonly SourceInfo Source = new(30, 1920, 1080, 24, "h264", "aac", 6, 1000);
    public static readonly Rung P240 = new("240p", 426, 240, 400_000);
    public static readonly Rung P360 = new("360p", 640, 360, 800_000);
    public static readonly Rendition Low = Of(P240);
    public static readonly Rendition High = Of(P360);
    public static readonly Rendition Sound = new(
        "audio",
        Rendition.Audio,
        "v/audio",
        "mp4a.40.2",
        0,
        0,
        0,
        128,
        128,
        [2],
        10
    );
    public static readonly Thumbnails Thumbs = new("t/p.jpg", "t/s.jpg", "t/s.vtt");

    public static readonly VideoRegistered Registered = new(Id, "Blender", "Bunny", "bunny.mp4", 1000, Now);
    public static readonly VideoUploaded Uploaded = new(Id, "sources/x/source", 1000, "ab", Now);
    public static readonly VideoProbed Probed = new(Id, Source, Now);
    public static readonly VideoProbed ProbedSilent = new(
        Id,
        Source with
        {
            AudioCodec = null,
            AudioChannels = 0,
        },
        Now
    );
    public static readonly VideoEncodePlanned Planned = new(Id, [P240, P360], 2, Now);
    public static readonly VideoRejected Rejected = new(Id, "not a video", "send one", Now);
    public static readonly VideoThumbnailsMade Pictured = new(Id, Thumbs, Now);
    public static readonly VideoPublished Published = new(Id, Now);
    public static readonly VideoEncodeFailed Failed = new(Id, "240p", "disk full", Now);
    public static readonly VideoDescription Rabbit = new(
        "The rabbit",
        ["animals", "short"],
        ImmutableSortedDictionary<string, string>.Empty.Add("season", "1")
    );
    public static readonly VideoDescribed Described = new(Id, Rabbit.Title, Rabbit.Tags, Rabbit.Metadata, Now);
    public static readonly VideoDeleted Deleted = new(Id, Now);
    public static readonly IEvent[] Encoding = [Registered, Uploaded, Probed, Planned];
    public static readonly IEvent[] Playing =
    [
        .. Encoding,
        Encoded(Low),
        Encoded(Sound),
        new VideoPlayable(Id, "240p", Now),
    ];

    public static readonly IEvent[] Whole = [.. Playing, Encoded(High), Pictured, Published];
    public static readonly VideoEncodeCancelled Cancelled = new(Id, Now);
    public static readonly VideoId Next = VideoId.New(Now);
    public static readonly VideoEditionRequested Requested = new(Id, Next, Now);
    public static readonly Video Edition = new()
    {
        Id = Next,
        Status = VideoStatus.Published,
        EditionOf = Id,
        SourceKey = "sources/y/source",
        SizeBytes = 7,
        Sha256 = "cd",
        Source = Source,
        Ladder = [P240],
        SegmentSeconds = 2,
        Renditions = [Low with { Prefix = "v/new" }],
        Texts = [Low with { Name = "text-1", Kind = Rendition.Text }],
        Thumbnails = Thumbs,
    };
    public static readonly VideoEditionPublished Replaced = new(
        Id,
        Next,
        "sources/y/source",
        7,
        "cd",
        Source,
        Edition.Ladder,
        2,
        [.. Edition.Renditions, .. Edition.Texts!],
        Thumbs,
        Now
    );

    public static VideoRenditionEncoded Encoded(Rendition rendition) => new(Id, rendition, Now);

    private static Rendition Of(Rung rung) =>
        new(rung.Name, Rendition.Video, $"v/{rung.Name}", "avc1.64001f", rung.Width, rung.Height, 24, 1, 1, [2], 10);
}
