using EventStream.Contracts;
using EventStream.Media.Text;
using FFMpegCore;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// Which streams of a file are the video that people see and listen to: by their dispositions, and where those are
/// silent by what they hold. Pure; streams are those of ffprobe.
/// </summary>
public sealed class StreamChoice
{
    /// <summary>Sounds beyond these are left out: each is an encode of its own.</summary>
    public const int SoundsMax = 8;

    /// <summary>Subtitles beyond these are left out.</summary>
    public const int TextsMax = 32;

    /// <summary>A title of a stream is cut here.</summary>
    public const int TitleMax = 60;

    private static readonly string[] NoPicture = ["attached_pic", "still_image", "timed_thumbnails", "dependent"];

    /// <summary>Codecs of covers and previews, chosen only where nothing else moves.</summary>
    private static readonly HashSet<string> StillCodecs = new(StringComparer.Ordinal)
    {
        "mjpeg",
        "png",
        "bmp",
        "gif",
        "tiff",
        "webp",
    };

    private static readonly HashSet<string> TextCodecs = new(StringComparer.Ordinal)
    {
        "subrip",
        "srt",
        "ass",
        "ssa",
        "webvtt",
        "mov_text",
        "text",
    };

    private readonly List<FFProbeStream> streams;
    private readonly Dictionary<int, int> programs;

    /// <summary>
    /// Chooses among <paramref name="all"/>; <paramref name="programs"/> gives the first program of a stream's index,
    /// where the file has programs.
    /// </summary>
    public StreamChoice(IEnumerable<FFProbeStream> all, IReadOnlyDictionary<int, int>? programs = null)
    {
        streams = [.. all];
        this.programs = programs is null ? [] : new(programs);
        Picture = streams
            .Where(stream => stream.CodecType == "video" && !NoPicture.Any(word => Is(stream, word)))
            .OrderBy(stream => !IsKnown(stream))
            .ThenBy(stream => StillCodecs.Contains(stream.CodecName ?? ""))
            .ThenBy(stream => !Is(stream, "default"))
            .ThenByDescending(stream => (long)(stream.Width ?? 0) * (stream.Height ?? 0))
            .ThenBy(stream => stream.Index)
            .FirstOrDefault();
        Sounds = ChooseSounds();
        Texts =
        [
            .. OfPicture("subtitle")
                .Where(stream => TextCodecs.Contains(stream.CodecName ?? ""))
                .OrderBy(stream => !Is(stream, "default"))
                .ThenBy(stream => stream.Index)
                .Take(TextsMax)
                .Select(stream => new SourceText(
                    stream.Index,
                    stream.CodecName ?? "",
                    Languages.Tag(Tag(stream, "language")),
                    Title(stream),
                    TextRole(stream)
                )),
        ];
    }

    /// <summary>
    /// The picture: no cover, rather one that moves, rather a default one, rather a larger one. Null where there is
    /// none.
    /// </summary>
    public FFProbeStream? Picture { get; }

    /// <summary>Where the picture is among the streams of pictures, from 0.</summary>
    public int PicturePosition =>
        streams.Where(stream => stream.CodecType == "video").TakeWhile(stream => stream != Picture).Count();

    /// <summary>
    /// The sounds, the main one first: no commentary, rather a default one. Of the others the first of each language
    /// and role.
    /// </summary>
    public IReadOnlyList<SourceSound> Sounds { get; }

    /// <summary>The subtitles that are text, default ones first.</summary>
    public IReadOnlyList<SourceText> Texts { get; }

    /// <summary>What the contract says of the picture.</summary>
    public static SourcePicture Describe(FFProbeStream picture) =>
        new(
            picture.Index,
            picture.FieldOrder is "tt" or "bb" or "tb" or "bt" ? true : null,
            Stated(picture.ColorTransfer),
            Stated(picture.ColorPrimaries),
            Stated(picture.ColorSpace)
        );

    private List<SourceSound> ChooseSounds()
    {
        var ranked = OfPicture("audio")
            .Where(stream => stream.Channels > 0 && IsKnown(stream))
            .OrderBy(stream => SoundRole(stream) is not null)
            .ThenBy(stream => !Is(stream, "default"))
            .ThenBy(stream => stream.Index)
            .ToList();
        var right = RightOf(ranked);
        return
        [
            .. ranked
                .Where(stream => stream != right)
                .Select(stream => Sound(stream, stream == ranked[0] ? right?.Index : null))
                .DistinctBy(sound => (sound.Language, sound.Role, sound.Language is null ? sound.Title : null))
                .Take(SoundsMax),
        ];
    }

    /// <summary>
    /// The right channel to a main sound of one channel. Cameras and editors write stereo as two streams of one
    /// uncompressed channel; compressed ones are more likely two languages.
    /// </summary>
    private static FFProbeStream? RightOf(List<FFProbeStream> ranked) =>
        ranked is [{ Channels: 1 } left, ..] && left.CodecName?.StartsWith("pcm_", StringComparison.Ordinal) is true
            ? ranked.Find(other =>
                other != left
                && other.Channels == 1
                && other.CodecName == left.CodecName
                && other.SampleRate == left.SampleRate
                && SoundRole(other) == SoundRole(left)
                && Tag(other, "language") == Tag(left, "language")
            )
            : null;

    private static SourceSound Sound(FFProbeStream stream, int? right) =>
        new(
            stream.Index,
            stream.CodecName ?? "",
            right is null ? stream.Channels ?? 0 : 2,
            Stated(stream.ChannelLayout),
            right,
            Languages.Tag(Tag(stream, "language")),
            Title(stream),
            SoundRole(stream)
        );

    /// <summary>The streams of a kind in the picture's program or, where that has none, in any.</summary>
    private IEnumerable<FFProbeStream> OfPicture(string kind)
    {
        var all = streams.Where(stream => stream.CodecType == kind).ToList();
        if (Picture is null || !programs.TryGetValue(Picture.Index, out var program))
            return all;
        var own = all.Where(stream => programs.TryGetValue(stream.Index, out var its) && its == program).ToList();
        return own.Count > 0 ? own : all;
    }

    private static string? SoundRole(FFProbeStream stream) =>
        Is(stream, "comment") || Names(stream, "comment") || Names(stream, "kommentar") ? TrackLabel.Commentary
        : Is(stream, "visual_impaired") || Is(stream, "descriptions") ? TrackLabel.Description
        : Is(stream, "hearing_impaired") || Is(stream, "clean_effects") ? TrackLabel.ClearSpeech
        : null;

    private static string? TextRole(FFProbeStream stream) =>
        Is(stream, "forced") ? TrackLabel.Forced
        : Is(stream, "comment") ? TrackLabel.Commentary
        : Is(stream, "hearing_impaired") || Is(stream, "captions") ? TrackLabel.Captions
        : null;

    private static bool Names(FFProbeStream stream, string word) =>
        Tag(stream, "title")?.Contains(word, StringComparison.OrdinalIgnoreCase) is true;

    private static bool IsKnown(FFProbeStream stream) => stream.CodecName is not (null or "none" or "unknown");

    private static bool Is(FFProbeStream stream, string disposition) =>
        stream.Disposition is { } words && words.TryGetValue(disposition, out var set) && set == 1;

    private static string? Tag(FFProbeStream stream, string name) =>
        stream.Tags is { } tags && tags.TryGetValue(name, out var value) ? value : null;

    private static string? Stated(string? word) => word is null or "" or "unknown" or "unspecified" ? null : word;

    /// <summary>The title as one line that fits a menu and a playlist's attribute.</summary>
    private static string? Title(FFProbeStream stream)
    {
        if (Tag(stream, "title") is not { } title)
            return null;
        var plain = title.Where(c => !char.IsControl(c) && !char.IsSurrogate(c) && c is not ('"' or '\uFFFD'));
        var text = string.Concat(plain.Take(TitleMax)).Trim();
        return text.Length > 0 ? text : null;
    }
}
