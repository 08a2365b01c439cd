using System.Globalization;
using System.Text;
using EventStream.Contracts;
using EventStream.Playback.Catalogue;
using EventStream.Playback.Edges;

namespace EventStream.Playback.Manifests;

/// <summary>
/// The multivariant playlist (draft-pantos-hls-rfc8216bis): each rung once per edge, as pathways of content
/// steering, with the measured bandwidths of picture and sound together, in bits per second. Where there are further
/// ladders, every variant has a score. Key frames are named for the rungs that every device plays.
/// </summary>
public static class HlsMaster
{
    // fMP4 with EXT-X-MAP asks for version 7 of a client.
    private const int Version = 7;

    /// <summary>Writes the playlist. The video has at least one rung.</summary>
    public static string Write(CatalogueVideo video, ManifestContext context)
    {
        var text = new StringBuilder()
            .Append("#EXTM3U\n")
            .Append(CultureInfo.InvariantCulture, $"#EXT-X-VERSION:{Version}\n")
            .Append("#EXT-X-INDEPENDENT-SEGMENTS\n")
            .Append(CultureInfo.InvariantCulture, $"#EXT-X-CONTENT-STEERING:SERVER-URI=\"{context.HlsSteeringUrl}\",")
            .Append(CultureInfo.InvariantCulture, $"PATHWAY-ID=\"{context.Edges[0].Name}\"\n");
        foreach (var edge in context.Edges)
            WritePathway(text, video, edge, context.FolderUrl(edge, video.Id));
        return text.ToString();
    }

    private static void WritePathway(StringBuilder text, CatalogueVideo video, EdgeAddress edge, string folder)
    {
        // Renditions have no pathway of their own: a group per edge keeps the sound on the edge of the picture.
        var aac = new SoundGroup($"audio-{edge.Name}", [.. video.Sounds.Select(track => track.Media)]);
        var opus = new SoundGroup($"opus-{edge.Name}", [.. video.OpusSounds.Select(track => track.Media)]);
        WriteSounds(text, aac, folder);
        WriteSounds(text, opus, folder);
        var texts = video.Texts.Select(track => track.Media).ToList();
        var subtitles = $"text-{edge.Name}";
        foreach (var one in texts)
            WriteSubtitles(text, one, texts, subtitles, folder);
        var further = video.FurtherLadders;
        foreach (var rung in video.Rungs.Concat(video.HighRange).Select(track => track.Media).Concat(Further(further)))
        {
            var sounds = PictureCodec.Of(rung.Codecs) == PictureCodec.Vp9 && opus.Sounds.Count > 0 ? opus : aac;
            WriteVariant(text, rung, sounds.Sounds);
            // The standard allows it on every variant, or on none.
            if (further.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $",SCORE={CodecPreference.Score(rung, video):0.0}");
            if (rung.Range is { } range)
                text.Append(CultureInfo.InvariantCulture, $",VIDEO-RANGE={range}");
            if (sounds.Sounds.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $",AUDIO=\"{sounds.Id}\"");
            if (texts.Count > 0)
                text.Append(CultureInfo.InvariantCulture, $",SUBTITLES=\"{subtitles}\"");
            text.Append(
                CultureInfo.InvariantCulture,
                $",PATHWAY-ID=\"{edge.Name}\",STABLE-VARIANT-ID=\"{rung.Name}\"\n{folder}{rung.Name}/media.m3u8\n"
            );
        }

        foreach (var rung in video.Rungs.Select(track => track.Media))
            WriteKeyFrames(text, rung, edge, folder);
    }

    private static IEnumerable<Rendition> Further(ILookup<string, Track> ladders) =>
        CodecPreference.Order.SelectMany(codec => ladders[codec]).Select(track => track.Media);

    private static void WriteSounds(StringBuilder text, SoundGroup group, string folder)
    {
        foreach (var sound in group.Sounds)
        {
            var main = group.Sounds[0];
            var first = sound == main ? "YES" : "NO";
            text.Append(
                    CultureInfo.InvariantCulture,
                    $"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group.Id}\",NAME=\"{TrackNames.Of(sound, group.Sounds)}\","
                        + $"{TrackNames.HlsLanguage(sound)}DEFAULT={first},{TrackNames.HlsRole(sound, main)},"
                )
                .Append(
                    CultureInfo.InvariantCulture,
                    $"CHANNELS=\"2\",STABLE-RENDITION-ID=\"{sound.Name}\",URI=\"{folder}{sound.Name}/media.m3u8\"\n"
                );
        }
    }

    /// <summary>The key frames of a rung, for fast forward and for pictures while one seeks.</summary>
    private static void WriteKeyFrames(StringBuilder text, Rendition rung, EdgeAddress edge, string folder)
    {
        if (rung.KeyFrameBandwidthBps is not { } peak)
            return;
        text.Append(
                CultureInfo.InvariantCulture,
                $"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={peak},CODECS=\"{rung.Codecs}\","
            )
            .Append(CultureInfo.InvariantCulture, $"RESOLUTION={rung.Width}x{rung.Height},PATHWAY-ID=\"{edge.Name}\",")
            .Append(
                CultureInfo.InvariantCulture,
                $"STABLE-VARIANT-ID=\"{rung.Name}-key\",URI=\"{folder}{rung.Name}/iframes.m3u8\"\n"
            );
    }

    private static void WriteSubtitles(
        StringBuilder text,
        Rendition one,
        IReadOnlyList<Rendition> all,
        string group,
        string folder
    ) =>
        text.Append(
                CultureInfo.InvariantCulture,
                $"#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"{group}\",NAME=\"{TrackNames.Of(one, all)}\","
                    + $"{TrackNames.HlsLanguage(one)}DEFAULT=NO,{TrackNames.HlsTextRole(one)},"
            )
            .Append(
                CultureInfo.InvariantCulture,
                $"STABLE-RENDITION-ID=\"{one.Name}\",URI=\"{folder}{one.Name}/media.m3u8\"\n"
            );

    /// <summary>Whichever sound is chosen, no more bits come than are written here.</summary>
    private static void WriteVariant(StringBuilder text, Rendition rung, IReadOnlyList<Rendition> sounds)
    {
        var peak = rung.BandwidthBps + sounds.Select(sound => sound.BandwidthBps).DefaultIfEmpty().Max();
        var average =
            rung.AverageBandwidthBps + sounds.Select(sound => sound.AverageBandwidthBps).DefaultIfEmpty().Max();
        var codecs = string.Join(',', sounds.Select(sound => sound.Codecs).Distinct().Prepend(rung.Codecs));
        text.Append(
                CultureInfo.InvariantCulture,
                $"#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\","
            )
            .Append(
                CultureInfo.InvariantCulture,
                $"RESOLUTION={rung.Width}x{rung.Height},FRAME-RATE={rung.FramesPerSecond:0.000},CLOSED-CAPTIONS=NONE"
            );
    }

    /// <summary>The sounds that are played beside a picture.</summary>
    private sealed record SoundGroup(string Id, IReadOnlyList<Rendition> Sounds);
}
