using EventStream.Contracts;
using EventStream.Playback;
using EventStream.Playback.Catalogue;
using EventStream.Playback.Origin;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Unit.Tests.Playback;

public sealed class CatalogueTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly VideoId Id = VideoId.New(At);
    private static readonly Rendition Rung = new(
        "240p",
        Rendition.Video,
        "videos/x/240p",
        "avc1.42c015",
        426,
        240,
        24,
        400_000,
        300_000,
        [2, 2],
        1
    );

    private static CatalogueVideo After(params IMessage[] events) =>
        events.Aggregate(CatalogueVideo.New(Id), (video, message) => video.Apply(message));

    [Fact]
    public void A_video_is_playable_from_its_first_rung_on()
    {
        var encoding = After(new VideoRegistered(Id, "p", "t", "f", 1, At), new VideoRenditionEncoded(Id, Rung, At));

        Assert.False(encoding.IsPlayable);
        Assert.True(encoding.Apply(new VideoPlayable(Id, "240p", At)).IsPlayable);
    }

    [Fact]
    public void An_event_that_comes_twice_changes_nothing()
    {
        var once = After(new VideoRenditionEncoded(Id, Rung, At), new VideoPlayable(Id, "240p", At));

        var twice = once.Apply(new VideoRenditionEncoded(Id, Rung, At));

        Assert.Single(twice.Tracks);
        Assert.Equal(VideoState.Playable, twice.State);
    }

    [Fact]
    public void A_failed_rung_does_not_take_away_what_can_be_played()
    {
        var video = After(new VideoRenditionEncoded(Id, Rung, At), new VideoPlayable(Id, "240p", At));

        Assert.True(video.Apply(new VideoEncodeFailed(Id, "1080p", "disk full", At)).IsPlayable);
        Assert.Equal(VideoState.Failed, After(new VideoEncodeFailed(Id, "240p", "disk full", At)).State);
    }

    [Fact]
    public void An_edition_has_paths_of_its_own_and_players_of_the_one_before_go_on()
    {
        var replaced = Replaced(
            Rung with
            {
                Prefix = "videos/y/240p",
            },
            Sound("audio-2"),
            Sound("audio"),
            Sound("text-1", Rendition.Text)
        );
        var before = After(new VideoRenditionEncoded(Id, Rung, At), new VideoPublished(Id, At));

        var video = before.Apply(replaced).Apply(replaced);

        var name = Assert.Single(video.Rungs).Media.Name;
        Assert.NotEqual("240p", name);
        Assert.StartsWith("240p-", name, StringComparison.Ordinal);
        Assert.Equal("videos/y/240p/1.m4s", MediaPaths.KeyOf(video, $"{name}/1.m4s"));
        Assert.Equal("videos/x/240p/1.m4s", MediaPaths.KeyOf(video, "240p/1.m4s"));
        var suffix = name["240p".Length..];
        Assert.Equal(["audio" + suffix, "audio-2" + suffix], video.Sounds.Select(sound => sound.Media.Name));
        Assert.Equal(["text-1" + suffix], video.Texts.Select(text => text.Media.Name));
        Assert.Null(MediaPaths.KeyOf(video, "thumbnails/poster.jpg"));
        Assert.Equal("t/poster.jpg", MediaPaths.KeyOf(video, MediaPaths.ThumbnailPath(video, "t/poster.jpg")));
    }

    [Fact]
    public void Captions_keep_their_paths_when_an_edition_comes_and_hide_its_text_of_their_language()
    {
        var german = new TrackLabel("Deutsch", "de");
        var sent = Sound("caption-de-1", Rendition.Text) with { Prefix = "captions/x/caption-de-1", Label = german };
        var file = Sound("text-1", Rendition.Text) with { Label = german };
        var before = After(new VideoRenditionEncoded(Id, Rung, At), new VideoCaptionsSet(Id, sent, At));

        var video = before.Apply(Replaced(Rung, file)).Apply(new VideoCaptionsSet(Id, sent, At));

        Assert.Equal(["caption-de-1"], video.Texts.Select(text => text.Media.Name));
        Assert.Equal("captions/x/caption-de-1/1.vtt", MediaPaths.KeyOf(video, "caption-de-1/1.vtt"));
        Assert.Empty(video.Apply(new VideoCaptionsRemoved(Id, "de", null, At)).Texts);
    }

    [Fact]
    public void Rungs_that_were_made_on_request_come_and_go_also_after_an_edition()
    {
        var tall = Rung with { Name = "1080p", BandwidthBps = Rung.BandwidthBps * 5 };
        foreach (var video in new[] { After(new VideoRenditionEncoded(Id, Rung, At)), After(Replaced(Rung)) })
        {
            var grown = video.Apply(new VideoRenditionEncoded(Id, tall, At));
            Assert.Equal(2, grown.Rungs.Count());
            var evicted = grown.Apply(new VideoRenditionsEvicted(Id, ["1080p"], At));
            Assert.Equal("240p" + video.EditionSuffix, Assert.Single(evicted.Rungs).Media.Name);
        }
    }

    [Fact]
    public void Only_what_is_new_follows_an_edition()
    {
        var high = Rung with { Name = "240p-hdr", Range = VideoRange.Pq };
        var video = After(Replaced(Rung), new VideoRenditionEncoded(Id, Rung, At))
            .Apply(new VideoRenditionEncoded(Id, high, At));

        Assert.Single(video.Rungs);
        Assert.Equal("240p-hdr" + video.EditionSuffix, Assert.Single(video.HighRange).Media.Name);
    }

    [Fact]
    public void Further_ladders_follow_an_edition_and_are_apart_from_what_every_device_plays()
    {
        var av1 = Rung with { Name = "240p-av1", Codecs = "av01.0.00M.08" };
        var opus = Rung with { Name = "audio-opus", Kind = Rendition.Audio, Codecs = PictureCodec.Opus };
        var video = After(Replaced(Rung), new VideoRenditionEncoded(Id, opus, At))
            .Apply(new VideoRenditionEncoded(Id, av1, At));

        Assert.Single(video.Rungs);
        Assert.Empty(video.Sounds);
        Assert.Equal("audio-opus" + video.EditionSuffix, Assert.Single(video.OpusSounds).Media.Name);
        Assert.Equal("240p-av1" + video.EditionSuffix, Assert.Single(video.FurtherLadders["av1"]).Media.Name);
    }

    [Fact]
    public void What_its_publisher_deleted_is_not_offered_any_more()
    {
        var catalogue = Catalogue(videosMax: 2);
        catalogue.Apply(new VideoRenditionEncoded(Id, Rung, At));
        catalogue.Apply(new VideoPlayable(Id, "240p", At));
        Assert.True(catalogue.Find(Id)!.IsPlayable);
        catalogue.Apply(new VideoDescribed(Id, "t", [], new Dictionary<string, string>(), At));
        Assert.True(catalogue.Find(Id)!.IsPlayable);

        catalogue.Apply(new VideoDeleted(Id, At));

        Assert.Null(catalogue.Find(Id));
    }

    [Fact]
    public void A_full_catalogue_forgets_what_was_heard_of_longest_ago()
    {
        var catalogue = Catalogue(videosMax: 2);
        var ids = Enumerable.Range(0, 3).Select(_ => VideoId.New(At)).ToList();

        foreach (var id in (VideoId[])[ids[0], ids[1], ids[0], ids[2]])
            catalogue.Apply(new VideoRegistered(id, "p", "t", "f", 1, At));

        Assert.Null(catalogue.Find(ids[1]));
        Assert.NotNull(catalogue.Find(ids[0]));
        Assert.NotNull(catalogue.Find(ids[2]));
    }

    private static VideoCatalogue Catalogue(int videosMax) =>
        new(
            new PlaybackOptions
            {
                SigningKey = "",
                Edges = [],
                TrafficUrl = "",
                SteeringUrl = "",
                CollectUrl = "",
                VideosMax = videosMax,
            },
            NullLogger<VideoCatalogue>.Instance
        );

    private static VideoEditionPublished Replaced(params IReadOnlyList<Rendition> renditions) =>
        new(
            Id,
            VideoId.New(At),
            "s",
            1,
            "ab",
            new SourceInfo(4, 426, 240, 24, "h264", null, 0, 1),
            [],
            2,
            renditions,
            new Thumbnails("t/poster.jpg", "t/sprite.jpg", "t/index.vtt"),
            At
        );

    private static Rendition Sound(string name, string kind = Rendition.Audio) =>
        Rung with
        {
            Name = name,
            Kind = kind,
        };
}
