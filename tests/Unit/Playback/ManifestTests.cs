using System.Xml.Linq;
using EventStream.Contracts;
using EventStream.Playback.Catalogue;
using EventStream.Playback.Edges;
using EventStream.Playback.Manifests;

namespace EventStream.Unit.Tests.Playback;

public sealed class ManifestTests
{
    private static readonly VideoId Id = VideoId.Parse("01a19467-e800-7bfe-8e2a-5626441ddcd6");
    private static readonly DateTimeOffset At = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly XNamespace Mpd = "urn:mpeg:dash:schema:mpd:2011";

    private static readonly ManifestContext Context = new(
        [new EdgeAddress("edge-b", "us", "http://b:2"), new EdgeAddress("edge-a", "eu", "http://a:1")],
        "/s/9/sig",
        "http://t/v1/steering/hls?region=us&video=1",
        "http://t/v1/steering/dash?region=us&video=1"
    );

    private static readonly Rendition Top = new(
        "720p",
        Rendition.Video,
        "videos/x/720p",
        "avc1.64001f",
        1280,
        720,
        23.976,
        3_000_000,
        2_500_000,
        [2.002, 2.002, 1.001],
        1
    );

    private static readonly Rendition Low = Top with
    {
        Name = "240p",
        Codecs = "avc1.42c015",
        Width = 426,
        Height = 240,
        BandwidthBps = 400_000,
        AverageBandwidthBps = 300_000,
    };

    private static readonly Rendition Sound = new(
        "audio",
        Rendition.Audio,
        "videos/x/audio",
        "mp4a.40.2",
        0,
        0,
        0,
        130_000,
        128_000,
        [2.005333, 1.984, 1.024],
        1
    );

    private static CatalogueVideo Video(params Rendition[] renditions) =>
        renditions.Aggregate(
            CatalogueVideo.New(Id),
            (video, rendition) => video.Apply(new VideoRenditionEncoded(Id, rendition, At))
        );

    [Fact]
    public void The_multivariant_playlist_has_each_rung_once_per_edge()
    {
        var text = HlsMaster.Write(Video(Top, Low, Sound), Context);

        Assert.Equal(
            [
                "#EXTM3U",
                "#EXT-X-VERSION:7",
                "#EXT-X-INDEPENDENT-SEGMENTS",
                "#EXT-X-CONTENT-STEERING:SERVER-URI=\"http://t/v1/steering/hls?region=us&video=1\",PATHWAY-ID=\"edge-b\"",
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio-edge-b\",NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",STABLE-RENDITION-ID=\"audio\",URI=\"http://b:2/s/9/sig/media/01a19467-e800-7bfe-8e2a-5626441ddcd6/audio/media.m3u8\"",
                "#EXT-X-STREAM-INF:BANDWIDTH=530000,AVERAGE-BANDWIDTH=428000,CODECS=\"avc1.42c015,mp4a.40.2\",RESOLUTION=426x240,FRAME-RATE=23.976,CLOSED-CAPTIONS=NONE,AUDIO=\"audio-edge-b\",PATHWAY-ID=\"edge-b\",STABLE-VARIANT-ID=\"240p\"",
                "http://b:2/s/9/sig/media/01a19467-e800-7bfe-8e2a-5626441ddcd6/240p/media.m3u8",
                "#EXT-X-STREAM-INF:BANDWIDTH=3130000,AVERAGE-BANDWIDTH=2628000,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=23.976,CLOSED-CAPTIONS=NONE,AUDIO=\"audio-edge-b\",PATHWAY-ID=\"edge-b\",STABLE-VARIANT-ID=\"720p\"",
                "http://b:2/s/9/sig/media/01a19467-e800-7bfe-8e2a-5626441ddcd6/720p/media.m3u8",
            ],
            text.Split('\n').Take(9)
        );
        Assert.Equal(2, text.Split("PATHWAY-ID=\"edge-a\"").Length - 1);
    }

    [Fact]
    public void Key_frames_are_named_for_each_rung_that_has_a_playlist_of_them()
    {
        var lines = HlsMaster.Write(Video(Top with { KeyFrameBandwidthBps = 90_000 }, Low), Context).Split('\n');

        Assert.Equal(
            [
                "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS=\"avc1.64001f\",RESOLUTION=1280x720,PATHWAY-ID=\"edge-b\",STABLE-VARIANT-ID=\"720p-key\",URI=\"http://b:2/s/9/sig/media/01a19467-e800-7bfe-8e2a-5626441ddcd6/720p/iframes.m3u8\"",
                "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS=\"avc1.64001f\",RESOLUTION=1280x720,PATHWAY-ID=\"edge-a\",STABLE-VARIANT-ID=\"720p-key\",URI=\"http://a:1/s/9/sig/media/01a19467-e800-7bfe-8e2a-5626441ddcd6/720p/iframes.m3u8\"",
            ],
            lines.Where(line => line.StartsWith("#EXT-X-I-FRAME", StringComparison.Ordinal))
        );
    }

    [Fact]
    public void A_silent_video_has_variants_without_an_audio_group()
    {
        var text = HlsMaster.Write(Video(Low), Context);

        Assert.DoesNotContain("AUDIO", text);
        Assert.Contains("BANDWIDTH=400000,", text);
        Assert.Contains("CODECS=\"avc1.42c015\"", text);
    }

    [Fact]
    public void Sounds_of_several_languages_can_be_chosen_by_name_in_HLS_and_DASH()
    {
        var main = Sound with { Label = new TrackLabel("English", "en") };
        var other = Sound with { Name = "audio-2", BandwidthBps = 150_000, Label = new TrackLabel("Français", "fr") };
        var talk = Sound with
        {
            Name = "audio-3",
            Label = new TrackLabel("English (commentary)", "en", TrackLabel.Commentary),
        };
        // The order in which they were encoded is not the order in which they are shown.
        var video = Video(Low, talk, other, main);

        var media = HlsMaster
            .Write(video, Context)
            .Split('\n')
            .Where(line => line.StartsWith("#EXT-X-MEDIA", StringComparison.Ordinal) && line.Contains("edge-b"))
            .Select(line => line[line.IndexOf("NAME")..line.IndexOf(",CHANNELS")]);
        Assert.Equal(
            [
                "NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES",
                "NAME=\"Français\",LANGUAGE=\"fr\",DEFAULT=NO,AUTOSELECT=YES",
                "NAME=\"English (commentary)\",LANGUAGE=\"en\",DEFAULT=NO,AUTOSELECT=NO",
            ],
            media
        );
        Assert.Contains("#EXT-X-STREAM-INF:BANDWIDTH=550000,", HlsMaster.Write(video, Context));

        var sets = XDocument
            .Parse(DashManifest.Write(video, Context))
            .Descendants(Mpd + "AdaptationSet")
            .Where(set => (string)set.Attribute("contentType")! == "audio")
            .Select(set =>
                (
                    (string)set.Attribute("lang")!,
                    set.Element(Mpd + "Label")!.Value,
                    (string)set.Element(Mpd + "Role")!.Attribute("value")!
                )
            );
        Assert.Equal(
            [("en", "English", "main"), ("fr", "Français", "dub"), ("en", "English (commentary)", "commentary")],
            sets
        );
    }

    [Fact]
    public void A_high_range_is_said_and_apart_from_what_every_device_plays()
    {
        var high = Top with { Name = "720p-hdr", Codecs = "hvc1.2.4.L93.90", Range = VideoRange.Pq };
        var video = Video(high, Top, Low, Sound);
        Assert.Equal(["240p", "720p"], video.Rungs.Select(track => track.Media.Name));
        Assert.Contains(
            "CODECS=\"hvc1.2.4.L93.90,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=23.976,CLOSED-CAPTIONS=NONE,"
                + "VIDEO-RANGE=PQ,AUDIO=\"audio-edge-b\"",
            HlsMaster.Write(video, Context)
        );
        Assert.DoesNotContain("VIDEO-RANGE", HlsMaster.Write(Video(Top, Sound), Context));

        var sets = XDocument.Parse(DashManifest.Write(video, Context)).Descendants(Mpd + "AdaptationSet").ToList();
        var property = Assert.Single(sets.Elements(Mpd + "EssentialProperty"));
        Assert.Equal("16", property.Attribute("value")!.Value);
        Assert.Equal("720p-hdr", property.Parent!.Element(Mpd + "Representation")!.Attribute("id")!.Value);
        Assert.Equal(2, sets[0].Elements(Mpd + "Representation").Count());
        Assert.Equal(sets.Count, sets.Select(set => set.Attribute("id")!.Value).Distinct().Count());
    }

    [Fact]
    public void Captions_of_the_publisher_replace_those_of_the_file_whichever_come_first()
    {
        var file = Sound with { Name = "text-1", Kind = Rendition.Text, Label = new TrackLabel("Deutsch", "de") };
        var sent = file with { Name = "caption-de-1" };
        var other = file with { Name = "text-2", Label = new TrackLabel("English", "en") };
        var made = new VideoSubtitlesMade(Id, [file, other], At);
        var set = new VideoCaptionsSet(Id, sent, At);
        foreach (
            var order in (IMessage[][])
                [
                    [made, made, set],
                    [set, made, set],
                ]
        )
        {
            var video = order.Aggregate(Video(Low, Sound), (before, message) => before.Apply(message));
            Assert.Equal(["caption-de-1", "text-2"], video.Texts.Select(text => text.Media.Name).Order());
            var without = video.Apply(new VideoCaptionsRemoved(Id, "de", null, At));
            Assert.Equal(["text-2"], without.Texts.Select(text => text.Media.Name));
        }
    }

    [Fact]
    public void Subtitles_are_segments_in_HLS_and_one_file_in_DASH()
    {
        var german = Sound with
        {
            Name = "text-1",
            Kind = Rendition.Text,
            Label = new TrackLabel("Deutsch (captions)", "de", TrackLabel.Captions),
        };
        var forced = german with { Name = "text-2", Label = new TrackLabel("Signs", null, TrackLabel.Forced) };
        var empty = german with { Name = "text-3", SegmentDurationsSeconds = [] };
        var video = Video(Low, Sound).Apply(new VideoSubtitlesMade(Id, [german, forced, empty], At));

        var text = HlsMaster.Write(video, Context);
        Assert.Contains(
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text-edge-b\",NAME=\"Deutsch (captions)\",LANGUAGE=\"de\","
                + "DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,CHARACTERISTICS=\""
                + "public.accessibility.transcribes-spoken-dialog,"
                + "public.accessibility.describes-music-and-sound\",STABLE-RENDITION-ID=\"text-1\","
                + $"URI=\"http://b:2/s/9/sig/media/{Id}/text-1/media.m3u8\"\n",
            text
        );
        Assert.Contains("NAME=\"Signs\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,", text);
        Assert.Contains("AUDIO=\"audio-edge-b\",SUBTITLES=\"text-edge-b\",PATHWAY-ID=\"edge-b\"", text);
        Assert.DoesNotContain("text-3", text);

        var sets = XDocument
            .Parse(DashManifest.Write(video, Context))
            .Descendants(Mpd + "AdaptationSet")
            .Where(set => (string)set.Attribute("contentType")! == "text")
            .Select(set =>
                (
                    (string?)set.Attribute("lang"),
                    (string)set.Element(Mpd + "Role")!.Attribute("value")!,
                    set.Descendants(Mpd + "BaseURL").Single().Value
                )
            );
        Assert.Equal([("de", "caption", "text-1/all.vtt"), (null, "forced-subtitle", "text-2/all.vtt")], sets);
    }

    [Fact]
    public void No_two_sounds_of_a_group_share_a_name()
    {
        var twin = Sound with { Name = "audio-2", Label = new TrackLabel("A \"B\"") };
        var text = HlsMaster.Write(Video(Low, Sound with { Label = new TrackLabel("A \"B\"") }, twin), Context);

        Assert.Contains("NAME=\"A B\",", text);
        Assert.Contains("NAME=\"A B (audio-2)\",", text);
    }

    [Fact]
    public void The_mpd_names_each_edge_as_a_service_location_and_asks_traffic_for_steering()
    {
        var mpd = XDocument.Parse(DashManifest.Write(Video(Top, Low, Sound), Context)).Root!;

        Assert.Equal(
            ["edge-b", "edge-a"],
            mpd.Elements(Mpd + "BaseURL").Select(e => (string)e.Attribute("serviceLocation")!)
        );
        Assert.Equal($"http://b:2/s/9/sig/media/{Id}/", mpd.Element(Mpd + "BaseURL")!.Value);
        Assert.Equal("edge-b", (string)mpd.Element(Mpd + "ContentSteering")!.Attribute("defaultServiceLocation")!);
        Assert.Equal(Context.DashSteeringUrl, mpd.Element(Mpd + "ContentSteering")!.Value);
        Assert.Equal("static", (string)mpd.Attribute("type")!);
        Assert.Equal("PT5.013333S", (string)mpd.Attribute("mediaPresentationDuration")!);
    }

    [Fact]
    public void Timelines_are_exact_and_equal_segments_are_joined()
    {
        var mpd = XDocument.Parse(DashManifest.Write(Video(Top, Sound), Context)).Root!;
        var templates = mpd.Descendants(Mpd + "SegmentTemplate").ToList();

        Assert.Equal("90000", (string)templates[0].Attribute("timescale")!);
        Assert.Equal(
            [("0", "180180", "1"), (null, "90090", null)],
            templates[0]
                .Descendants(Mpd + "S")
                .Select(s => ((string?)s.Attribute("t"), (string)s.Attribute("d")!, (string?)s.Attribute("r")))
        );
        Assert.Equal("720p/$Number$.m4s", (string)templates[0].Attribute("media")!);
        Assert.Equal("24000/1001", (string)mpd.Descendants(Mpd + "Representation").First().Attribute("frameRate")!);
    }

    [Fact]
    public void Durations_without_a_common_timescale_never_drift_by_more_than_a_tick()
    {
        var third = Enumerable.Repeat(2 / 3d * Math.PI, 1000).ToList();

        var runs = SegmentRuns.From(third);

        Assert.Equal(1_000_000, runs.Timescale);
        Assert.Equal(1000, runs.Runs.Sum(run => run.Count));
        Assert.Equal(third.Sum(), runs.TotalSeconds, 0.000_001);
    }
}
