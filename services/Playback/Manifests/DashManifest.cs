using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using EventStream.Contracts;
using EventStream.Playback.Catalogue;

namespace EventStream.Playback.Manifests;

/// <summary>
/// The static MPD (ISO/IEC 23009-1) over the same CMAF files as the HLS playlists: one adaptation set for each codec of
/// the picture and one for each sound, exact segment timelines, and one base URL per edge as service locations of
/// content steering (ETSI TS 103 998).
/// </summary>
public static class DashManifest
{
    private static readonly XNamespace Mpd = "urn:mpeg:dash:schema:mpd:2011";
    private const string Stereo = "2";

    /// <summary>Writes the manifest. The video has at least one rung.</summary>
    public static string Write(CatalogueVideo video, ManifestContext context)
    {
        var tracks = video.Tracks.Where(track => track.Media.Kind != Rendition.Text).ToList();
        var duration = XmlConvert.ToString(TimeSpan.FromSeconds(tracks.Max(track => track.Segments.TotalSeconds)));
        var longest = XmlConvert.ToString(TimeSpan.FromSeconds(tracks.Max(track => track.Segments.LongestSeconds)));
        var root = new XElement(
            Mpd + "MPD",
            new XAttribute("profiles", "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019"),
            new XAttribute("type", "static"),
            new XAttribute("mediaPresentationDuration", duration),
            new XAttribute("maxSegmentDuration", longest),
            new XAttribute("minBufferTime", longest),
            context.Edges.Select(edge => new XElement(
                Mpd + "BaseURL",
                new XAttribute("serviceLocation", edge.Name),
                context.FolderUrl(edge, video.Id)
            )),
            new XElement(
                Mpd + "ContentSteering",
                new XAttribute("defaultServiceLocation", context.Edges[0].Name),
                new XAttribute("queryBeforeStart", "false"),
                context.DashSteeringUrl
            ),
            new XElement(
                Mpd + "Period",
                new XAttribute("id", "0"),
                new XAttribute("start", "PT0S"),
                Pictures(0, video.Rungs, null),
                video.Sounds.Select((sound, index) => Sound(sound, index + 1, video.Sounds)),
                video.Texts.Select((text, index) => Text(text, index + 1 + video.Sounds.Count(), video)),
                HighRange(video),
                FurtherLadders(video)
            )
        );
        return Text(root);
    }

    /// <summary>
    /// A set for each codec, and the sounds as Opus. Players pass over the sets of codecs that they do not know, take
    /// the one of the highest priority, and switch within it.
    /// </summary>
    private static IEnumerable<XElement> FurtherLadders(CatalogueVideo video)
    {
        var id = 1 + video.Sounds.Count() + video.Texts.Count() + (video.HighRange.Any() ? 1 : 0);
        var ladders = video.FurtherLadders;
        foreach (var codec in CodecPreference.Order.Where(ladders.Contains))
            yield return Preferred(Pictures(id++, ladders[codec], null), CodecPreference.Priority(codec));
        var sounds = video.OpusSounds.ToList();
        foreach (var sound in sounds)
            yield return Preferred(Sound(sound, id++, sounds), 2);
    }

    private static XElement Preferred(XElement set, int priority)
    {
        set.SetAttributeValue("selectionPriority", priority);
        return set;
    }

    /// <summary>A set of its own, which players that do not know the transfer function must pass over.</summary>
    private static XElement? HighRange(CatalogueVideo video) =>
        video.HighRange.FirstOrDefault() is { } first
            ? Pictures(
                1 + video.Sounds.Count() + video.Texts.Count(),
                video.HighRange,
                new XElement(
                    Mpd + "EssentialProperty",
                    new XAttribute("schemeIdUri", "urn:mpeg:mpegB:cicp:TransferCharacteristics"),
                    new XAttribute("value", first.Media.Range == VideoRange.Hlg ? 18 : 16)
                )
            )
            : null;

    private static XElement Pictures(int id, IEnumerable<Track> rungs, XElement? property) =>
        Set(
            id,
            "video",
            rungs
                .Select(rung =>
                    Representation(
                        rung,
                        "video/mp4",
                        new XAttribute("width", rung.Media.Width),
                        new XAttribute("height", rung.Media.Height),
                        new XAttribute("frameRate", FrameRate(rung.Media.FramesPerSecond)),
                        new XAttribute("sar", "1:1")
                    )
                )
                .Prepend(property!)
        );

    private static XElement Sound(Track sound, int id, IEnumerable<Track> group) =>
        Set(
            id,
            "audio",
            [
                .. TrackNames.Dash(Mpd, sound.Media, [.. group.Select(track => track.Media)]),
                Representation(
                    sound,
                    "audio/mp4",
                    new XElement(
                        Mpd + "AudioChannelConfiguration",
                        new XAttribute("schemeIdUri", "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"),
                        new XAttribute("value", Stereo)
                    )
                ),
            ]
        );

    /// <summary>
    /// Subtitles as one whole file: players of DASH ask for an initialization segment where text is cut, and WebVTT has
    /// none.
    /// </summary>
    private static XElement Text(Track text, int id, CatalogueVideo video) =>
        new(
            Mpd + "AdaptationSet",
            new XAttribute("id", id),
            new XAttribute("contentType", "text"),
            TrackNames.DashText(Mpd, text.Media, [.. video.Texts.Select(track => track.Media)]),
            new XElement(
                Mpd + "Representation",
                new XAttribute("id", text.Media.Name),
                new XAttribute("bandwidth", text.Media.BandwidthBps),
                new XAttribute("mimeType", "text/vtt"),
                new XElement(Mpd + "BaseURL", $"{text.Media.Name}/all.vtt")
            )
        );

    private static XElement Set(int id, string content, IEnumerable<object> parts) =>
        new(
            Mpd + "AdaptationSet",
            new XAttribute("id", id),
            new XAttribute("contentType", content),
            new XAttribute("segmentAlignment", "true"),
            new XAttribute("startWithSAP", "1"),
            parts
        );

    private static XElement Representation(Track track, string type, params object[] details) =>
        new(
            Mpd + "Representation",
            new XAttribute("id", track.Media.Name),
            new XAttribute("bandwidth", track.Media.BandwidthBps),
            new XAttribute("codecs", track.Media.Codecs),
            new XAttribute("mimeType", type),
            details,
            new XElement(
                Mpd + "SegmentTemplate",
                new XAttribute("timescale", track.Segments.Timescale),
                new XAttribute("startNumber", 1),
                new XAttribute("initialization", $"{track.Media.Name}/init.mp4"),
                new XAttribute("media", $"{track.Media.Name}/$Number$.m4s"),
                new XElement(Mpd + "SegmentTimeline", Timeline(track.Segments))
            )
        );

    private static IEnumerable<XElement> Timeline(SegmentRuns segments)
    {
        var start = new XAttribute("t", 0);
        foreach (var run in segments.Runs)
        {
            var repeat = run.Count > 1 ? new XAttribute("r", run.Count - 1) : null;
            yield return new XElement(Mpd + "S", start, new XAttribute("d", run.Duration), repeat);
            start = null;
        }
    }

    /// <summary>Whole rates as they are, the NTSC ones as a fraction over 1001, others over 1000.</summary>
    private static string FrameRate(double rate)
    {
        if (Math.Abs(rate - Math.Round(rate)) < 0.001)
            return Math.Round(rate).ToString(CultureInfo.InvariantCulture);
        var ntsc = Math.Round(rate * 1.001) * 1000;
        return Math.Abs((ntsc / 1001) - rate) < 0.005
            ? string.Create(CultureInfo.InvariantCulture, $"{ntsc}/1001")
            : string.Create(CultureInfo.InvariantCulture, $"{Math.Round(rate * 1000)}/1000");
    }

    private static string Text(XElement root)
    {
        using var writer = new Utf8Writer();
        new XDocument(new XDeclaration("1.0", "utf-8", null), root).Save(writer);
        return writer.ToString();
    }

    private sealed class Utf8Writer : StringWriter
    {
        public override Encoding Encoding => Encoding.UTF8;
    }
}
