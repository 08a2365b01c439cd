using System.Xml.Linq;
using EventStream.Contracts;

namespace EventStream.Playback.Manifests;

/// <summary>Names, languages and roles of sounds and subtitles, as HLS attributes and as elements of an MPD.</summary>
internal static class TrackNames
{
    /// <summary>
    /// The name in menus; no two renditions of a group share one. It stands in a quoted string of a playlist.
    /// </summary>
    public static string Of(Rendition sound, IReadOnlyList<Rendition> group)
    {
        var name = sound.Label?.Name ?? sound.Name;
        var same = group.First(other => (other.Label?.Name ?? other.Name) == name);
        var unique = same == sound ? name : $"{name} ({sound.Name})";
        return string.Concat(unique.Where(c => c != '"' && !char.IsControl(c)));
    }

    /// <summary><c>LANGUAGE="en",</c>, or nothing where none is known.</summary>
    public static string HlsLanguage(Rendition sound) =>
        sound.Label?.Language is { } language ? $"LANGUAGE=\"{language}\"," : "";

    /// <summary>
    /// Whether players may choose the sound by themselves, and for whom it is. A commentary is never what a viewer
    /// gets without having chosen it.
    /// </summary>
    public static string HlsRole(Rendition sound, Rendition main) =>
        sound.Label?.Role switch
        {
            TrackLabel.Commentary when sound != main => "AUTOSELECT=NO",
            TrackLabel.Description => "AUTOSELECT=YES,CHARACTERISTICS=\"public.accessibility.describes-video\"",
            TrackLabel.ClearSpeech =>
                "AUTOSELECT=YES,CHARACTERISTICS=\"public.accessibility.enhances-speech-intelligibility\"",
            _ => "AUTOSELECT=YES",
        };

    /// <summary>
    /// The language, the label and the role (ISO/IEC 23009-1, 5.8.5.5) of a sound, in the order of the schema. A lone
    /// sound of which nothing is known has none of them.
    /// </summary>
    public static IEnumerable<object> Dash(XNamespace mpd, Rendition sound, IReadOnlyList<Rendition> group) =>
        sound.Label is null && group.Count == 1 ? [] : Named(mpd, sound, group, DashRole(sound, group[0]));

    /// <summary>Whether subtitles are shown where the viewer asked for none, and for whom they are.</summary>
    public static string HlsTextRole(Rendition text) =>
        text.Label?.Role switch
        {
            TrackLabel.Forced => "AUTOSELECT=YES,FORCED=YES",
            TrackLabel.Commentary => "AUTOSELECT=NO,FORCED=NO",
            TrackLabel.Captions => "AUTOSELECT=YES,FORCED=NO,CHARACTERISTICS=\"public.accessibility."
                + "transcribes-spoken-dialog,public.accessibility.describes-music-and-sound\"",
            _ => "AUTOSELECT=YES,FORCED=NO",
        };

    /// <summary>The language, the label and the role of subtitles.</summary>
    public static IEnumerable<object> DashText(XNamespace mpd, Rendition text, IReadOnlyList<Rendition> group)
    {
        var role = text.Label?.Role switch
        {
            TrackLabel.Forced => "forced-subtitle",
            TrackLabel.Captions => "caption",
            TrackLabel.Commentary => "commentary",
            _ => "subtitle",
        };
        return Named(mpd, text, group, role);
    }

    private static IEnumerable<object> Named(
        XNamespace mpd,
        Rendition track,
        IReadOnlyList<Rendition> group,
        string role
    )
    {
        if (track.Label?.Language is { } language)
            yield return new XAttribute("lang", language);
        yield return new XElement(mpd + "Label", Of(track, group));
        yield return new XElement(
            mpd + "Role",
            new XAttribute("schemeIdUri", "urn:mpeg:dash:role:2011"),
            new XAttribute("value", role)
        );
    }

    private static string DashRole(Rendition sound, Rendition main) =>
        sound == main
            ? "main"
            : sound.Label?.Role switch
            {
                TrackLabel.Commentary => "commentary",
                TrackLabel.Description => "description",
                TrackLabel.ClearSpeech => "enhanced-audio-intelligibility",
                _ => sound.Label?.Language is { } language && language != main.Label?.Language ? "dub" : "alternate",
            };
}
