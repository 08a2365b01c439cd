using System.Text.RegularExpressions;
using System.Xml.Linq;
using EventStream.Contracts;
using EventStream.Playback.Catalogue;
using EventStream.Playback.Edges;
using EventStream.Playback.Manifests;

namespace EventStream.Unit.Tests.Playback;

/// <summary>Ladders in several codecs, as players choose between them.</summary>
public sealed partial class FurtherLadderTests
{
    private static readonly VideoId Id = VideoId.Parse("01a19467-e800-7bfe-8e2a-5626441ddcd6");
    private static readonly XNamespace Mpd = "urn:mpeg:dash:schema:mpd:2011";
    private static readonly ManifestContext Context = new(
        [new EdgeAddress("edge-a", "eu", "http://a:1")],
        "/s/9/sig",
        "http://t/hls",
        "http://t/dash"
    );

    private static readonly Rendition[] H264 =
    [
        Picture("240p", "avc1.4d4015", 240, 400_000),
        Picture("720p-2", "avc1.64001f", 720, 1_500_000),
        Picture("720p", "avc1.64001f", 720, 3_000_000),
        Sound("audio", "mp4a.40.2", 130_000),
    ];

    private static readonly Rendition[] Others =
    [
        Picture("240p-av1", "av01.0.00M.08", 240, 200_000),
        Picture("720p-2-av1", "av01.0.05M.08", 720, 700_000),
        Picture("720p-av1", "av01.0.05M.08", 720, 1_400_000),
        Picture("720p-hevc", "hvc1.1.6.L93.90", 720, 2_100_000),
        Picture("720p-vp9", "vp09.00.31.08", 720, 2_200_000),
        Picture("720p-hdr", "hvc1.2.4.L93.90", 720, 2_300_000) with
        {
            Range = VideoRange.Pq,
        },
        Sound("audio-opus", "opus", 98_000),
    ];

    [Fact]
    public void Every_variant_has_a_score_or_none()
    {
        Assert.DoesNotContain("SCORE", HlsMaster.Write(Video(H264), Context), StringComparison.Ordinal);
        Assert.DoesNotContain(
            "SCORE",
            HlsMaster.Write(Video([.. H264, Others[^2]]), Context),
            StringComparison.Ordinal
        );
        var variants = Variants(Video([.. H264, .. Others]));
        Assert.Equal(
            [
                ("240p", "1.0"),
                ("240p-av1", "1.3"),
                ("720p", "3.0"),
                ("720p-2", "2.0"),
                ("720p-2-av1", "2.3"),
                ("720p-av1", "3.3"),
                ("720p-hdr", "3.5"),
                ("720p-hevc", "3.2"),
                ("720p-vp9", "3.1"),
            ],
            variants.Select(line => (Value(line, "STABLE-VARIANT-ID"), Value(line, "SCORE"))).Order()
        );
        Assert.All(variants, line => Assert.NotEqual("", Value(line, "AVERAGE-BANDWIDTH")));
    }

    [Fact]
    public void VP9_comes_with_Opus_in_a_group_of_its_own_and_the_others_with_AAC()
    {
        var video = Video([.. H264, .. Others]);
        var groups = Variants(video).Select(line => (Value(line, "CODECS"), Value(line, "AUDIO"))).Distinct().ToList();
        Assert.Contains(("vp09.00.31.08,opus", "opus-edge-a"), groups);
        Assert.Contains(("av01.0.05M.08,mp4a.40.2", "audio-edge-a"), groups);
        Assert.Contains(("hvc1.1.6.L93.90,mp4a.40.2", "audio-edge-a"), groups);
        Assert.Single(groups, group => group.Item2 == "opus-edge-a");
        var text = HlsMaster.Write(video, Context);
        Assert.Contains(
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"opus-edge-a\",NAME=\"audio-opus\",DEFAULT=YES,AUTOSELECT=YES,",
            text,
            StringComparison.Ordinal
        );
        // No more bits than picture and sound of the own group.
        Assert.Contains("BANDWIDTH=2298000,", text, StringComparison.Ordinal);
        var silent = Variants(Video([.. H264[..3], .. Others[..^1]]));
        Assert.All(silent, line => Assert.Equal("", Value(line, "AUDIO")));
    }

    [Fact]
    public void A_set_for_each_codec_says_how_much_it_is_preferred()
    {
        var sets = XDocument
            .Parse(DashManifest.Write(Video([.. H264, .. Others]), Context))
            .Descendants(Mpd + "AdaptationSet")
            .ToList();
        Assert.Equal(
            [
                ("avc1.4d4015", null, 3),
                ("mp4a.40.2", null, 1),
                ("hvc1.2.4.L93.90", null, 1),
                ("av01.0.00M.08", "4", 3),
                ("hvc1.1.6.L93.90", "3", 1),
                ("vp09.00.31.08", "2", 1),
                ("opus", "2", 1),
            ],
            sets.Select(set =>
                (
                    set.Element(Mpd + "Representation")!.Attribute("codecs")!.Value,
                    set.Attribute("selectionPriority")?.Value,
                    set.Elements(Mpd + "Representation").Count()
                )
            )
        );
        Assert.Equal(sets.Count, sets.Select(set => set.Attribute("id")!.Value).Distinct().Count());
    }

    [Fact]
    public void No_segment_of_any_ladder_is_longer_than_the_manifest_says()
    {
        var opus = Sound("audio-opus", "opus", 98_000) with { SegmentDurationsSeconds = [2.0135, 1.9865] };
        var mpd = XDocument.Parse(DashManifest.Write(Video([.. H264, opus]), Context)).Root!;
        Assert.Equal("PT2.0135S", mpd.Attribute("maxSegmentDuration")!.Value);
    }

    [Fact]
    public void An_edition_is_scored_by_its_own_rungs()
    {
        var edition = new VideoEditionPublished(
            Id,
            VideoId.New(new DateTimeOffset(2026, 11, 2, 0, 0, 0, TimeSpan.Zero)),
            "s",
            1,
            "0",
            new SourceInfo(5, 1280, 720, 24, "h264", null, 0, 1),
            [],
            2,
            [.. H264],
            new Thumbnails("p", "s", "i"),
            default
        );
        var video = Video(H264).Apply(edition).Apply(new VideoRenditionEncoded(Id, Others[2], default));
        var name = "720p-av1" + video.EditionSuffix;
        var scored = Variants(video).Single(line => Value(line, "STABLE-VARIANT-ID") == name);
        Assert.Equal("3.3", Value(scored, "SCORE"));
    }

    private static Rendition Picture(string name, string codecs, int height, int bits) =>
        new(name, Rendition.Video, $"x/{name}", codecs, height * 16 / 9, height, 24, bits, bits, [2, 2], 1);

    private static Rendition Sound(string name, string codecs, int bits) =>
        new(name, Rendition.Audio, $"x/{name}", codecs, 0, 0, 0, bits, bits, [2, 2], 1);

    private static CatalogueVideo Video(IEnumerable<Rendition> renditions) =>
        renditions.Aggregate(
            CatalogueVideo.New(Id),
            (video, rendition) => video.Apply(new VideoRenditionEncoded(Id, rendition, default))
        );

    private static List<string> Variants(CatalogueVideo video) =>
        [
            .. HlsMaster
                .Write(video, Context)
                .Split('\n')
                .Where(line => line.StartsWith("#EXT-X-STREAM-INF:", StringComparison.Ordinal)),
        ];

    /// <summary>The value of an attribute, empty where it is missing.</summary>
    private static string Value(string line, string name) =>
        Attribute()
            .Matches(line)
            .FirstOrDefault(match => match.Groups["name"].Value == name)
            ?.Groups["value"]
            .Value.Trim('"')
        ?? "";

    [GeneratedRegex("""(?<name>[A-Z0-9-]+)=(?<value>"[^"]*"|[^,"]*)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Attribute();
}
