using EventStream.Contracts;
using EventStream.Playback.Catalogue;
using EventStream.Playback.Manifests;

namespace EventStream.Unit.Tests.Playback;

/// <summary>A long video of three chunks of two segments, whose first rung grows.</summary>
public sealed class GrowingTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly VideoId Id = VideoId.New(At);
    private static readonly Rendition Part = new(
        "360p",
        Rendition.Video,
        "media/x/360p",
        "avc1.4d401e",
        640,
        360,
        30,
        900_000,
        700_000,
        [2, 2],
        1
    );

    private static readonly Rendition Sound = Part with
    {
        Name = "audio",
        Kind = Rendition.Audio,
        SegmentDurationsSeconds = [2.005333, 1.984, 2.005333, 2.005333, 1.984, 2.026667],
    };

    private static readonly Rendition Whole = Part with { SegmentDurationsSeconds = [2, 2, 2, 2, 2, 2.4] };

    [Fact]
    public void The_playlist_holds_the_chunks_up_to_the_first_that_is_missing()
    {
        Assert.Empty(Segments(After(2), "360p"));
        Assert.Equal(["1.m4s", "2.m4s"], Segments(After(1), "360p"));
        Assert.Equal(["1.m4s", "2.m4s"], Segments(After(1, 3, 3), "360p"));
        Assert.Equal(["1.m4s", "2.m4s", "3.m4s", "4.m4s", "5.m4s", "6.m4s"], Segments(After(1, 3, 2), "360p"));
    }

    [Fact]
    public void It_is_an_event_that_begins_at_its_begin_and_only_grows()
    {
        var playlist = GrowingPlaylist.Write(After(1), "360p/media.m3u8")!;
        Assert.Equal(
            """
            #EXTM3U
            #EXT-X-VERSION:7
            #EXT-X-TARGETDURATION:3
            #EXT-X-MEDIA-SEQUENCE:1
            #EXT-X-PLAYLIST-TYPE:EVENT
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-START:TIME-OFFSET=0
            #EXT-X-MAP:URI="init.mp4"
            #EXTINF:2.000000,
            1.m4s
            #EXTINF:2.000000,
            2.m4s

            """,
            playlist
        );
        Assert.StartsWith(playlist, GrowingPlaylist.Write(After(1, 2), "360p/media.m3u8"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_sound_ends_with_the_picture()
    {
        Assert.Equal(["1.m4s", "2.m4s"], Segments(After(1), "audio"));
        Assert.Equal(["1.m4s", "2.m4s", "3.m4s", "4.m4s"], Segments(After(1, 2), "audio"));
        Assert.Equal(6, Segments(After(1, 2, 3), "audio").Count);
    }

    [Fact]
    public void A_rung_that_is_whole_has_the_stored_playlist_and_stays_whole()
    {
        var whole = After(1, 2).Apply(new VideoRenditionEncoded(Id, Whole, At));
        Assert.Null(whole.Growing);
        Assert.Null(GrowingPlaylist.Write(whole, "360p/media.m3u8"));
        Assert.Null(GrowingPlaylist.Write(whole, "audio/media.m3u8"));
        Assert.Null(whole.Apply(new VideoChunkEncoded(Id, Part, 3, 3, At)).Growing);
    }

    [Fact]
    public void A_video_that_is_given_up_on_the_way_comes_to_an_end()
    {
        IMessage[] ends = [new VideoEncodeFailed(Id, "360p.2", "disk full", At), new VideoEncodeCancelled(Id, At)];
        foreach (var end in ends)
        {
            var given = After(1).Apply(end);
            Assert.False(given.IsPlayable);
            Assert.EndsWith("2.m4s\n#EXT-X-ENDLIST\n", GrowingPlaylist.Write(given, "360p/media.m3u8"));
            Assert.EndsWith("2.m4s\n#EXT-X-ENDLIST\n", GrowingPlaylist.Write(given, "audio/media.m3u8"));
        }
    }

    [Fact]
    public void Nothing_else_is_written_for_a_video_that_grows()
    {
        Assert.Null(GrowingPlaylist.Write(After(1), "360p/1.m4s"));
        Assert.Null(GrowingPlaylist.Write(After(1), "720p/media.m3u8"));
    }

    [Fact]
    public void A_rung_that_grows_is_offered_alone()
    {
        var high = new VideoRenditionEncoded(Id, Whole with { Name = "720p" }, At);
        Assert.Equal(["360p"], After(1).Apply(high).Rungs.Select(track => track.Media.Name));
        var whole = After(1).Apply(high).Apply(new VideoRenditionEncoded(Id, Whole, At));
        Assert.Equal(["360p", "720p"], whole.Rungs.Select(track => track.Media.Name).Order(StringComparer.Ordinal));
    }

    private static CatalogueVideo After(params int[] chunks) =>
        chunks
            .Select(number => (IMessage)new VideoChunkEncoded(Id, Part, number, 3, At))
            .Append(new VideoRenditionEncoded(Id, Sound, At))
            .Append(new VideoPlayable(Id, "360p", At))
            .Aggregate(CatalogueVideo.New(Id), (video, message) => video.Apply(message));

    private static List<string> Segments(CatalogueVideo video, string track) =>
        [
            .. (GrowingPlaylist.Write(video, $"{track}/media.m3u8") ?? "")
                .Split('\n')
                .Where(line => line.EndsWith(".m4s", StringComparison.Ordinal)),
        ];
}
