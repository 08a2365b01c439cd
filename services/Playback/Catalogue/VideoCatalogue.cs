using System.Diagnostics.Metrics;
using EventStream.Contracts;
using EventStream.Messaging;
using Microsoft.Extensions.Logging;

namespace EventStream.Playback.Catalogue;

/// <summary>
/// The answer to "what can be played": every video of <c>video.events</c>, in memory, read from the first record at
/// each start. At most <see cref="PlaybackOptions.VideosMax"/> are held; then the one whose last event is oldest is
/// forgotten, counted and logged.
/// </summary>
public sealed partial class VideoCatalogue(PlaybackOptions options, ILogger<VideoCatalogue> logger)
{
    private static readonly Counter<long> Forgotten = Telemetry.Meter.CreateCounter<long>(
        "eventstream.playback.videos_forgotten",
        description: "Videos dropped from the catalogue because it was full."
    );

    private readonly Lock changing = new();
    private readonly Dictionary<VideoId, LinkedListNode<CatalogueVideo>> videos = [];
    private readonly LinkedList<CatalogueVideo> byLastEvent = new();

    /// <summary>The video, or null where it is not known.</summary>
    public CatalogueVideo? Find(VideoId id)
    {
        lock (changing)
            return videos.TryGetValue(id, out var node) ? node.Value : null;
    }

    /// <summary>Takes in one event.</summary>
    public void Apply(IMessage message)
    {
        if (message is not IVideoEvent { VideoId: var id })
            return;
        VideoId? dropped = null;
        lock (changing)
        {
            if (videos.Remove(id, out var node))
                byLastEvent.Remove(node);
            // Players are not offered what its publisher took away; nothing of it is worth a place here.
            if (message is VideoDeleted)
                return;
            var video = (node?.Value ?? CatalogueVideo.New(id)).Apply(message);
            videos[id] = byLastEvent.AddLast(video);
            if (videos.Count > options.VideosMax)
                dropped = DropOldest();
        }

        if (dropped is null)
            return;
        Forgotten.Add(1);
        Full(logger, options.VideosMax, dropped.Value);
    }

    private VideoId DropOldest()
    {
        var oldest = byLastEvent.First!.Value.Id;
        byLastEvent.RemoveFirst();
        videos.Remove(oldest);
        return oldest;
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The catalogue holds Playback:VideosMax = {Max} videos and forgets {Video}; raise the setting"
    )]
    private static partial void Full(ILogger logger, int max, VideoId video);
}
