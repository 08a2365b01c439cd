using EventStream.Contracts;
using FFMpegCore.Arguments;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// The filters that turn what viewers' H.264 decoders cannot show into what they can: fields into frames, and high
/// dynamic range into BT.709.
/// </summary>
public static class PictureFilters
{
    private static readonly HashSet<string> KnownPrimaries = new(StringComparer.Ordinal)
    {
        "bt709",
        "bt2020",
        "smpte431",
        "smpte432",
    };

    private static readonly HashSet<string> KnownMatrices = new(StringComparer.Ordinal)
    {
        "bt709",
        "bt2020nc",
        "bt2020c",
    };

    /// <summary>
    /// Makes a frame of each field, so that motion stays as smooth as it was; frames that are whole pass.
    /// </summary>
    public static VideoFilterOptions FullMotion(this VideoFilterOptions filters, SourcePicture? picture) =>
        Deinterlaced(filters, picture, "send_field");

    /// <summary>Makes one frame of each two fields, for single pictures.</summary>
    public static VideoFilterOptions WholeFrames(this VideoFilterOptions filters, SourcePicture? picture) =>
        Deinterlaced(filters, picture, "send_frame");

    /// <summary>
    /// Maps a high range to BT.709: to linear light in floats, to the primaries of BT.709, and by Hable's curve to
    /// the range of a common screen. It is asked for after scaling, because its cost goes with the pixels.
    /// </summary>
    public static VideoFilterOptions StandardRange(this VideoFilterOptions filters, SourcePicture? picture)
    {
        if (picture is null || VideoRange.Of(picture) is null)
            return filters;
        foreach (var (name, value) in ToStandard(picture))
            filters.WithCustomFilter(name, value);
        return filters;
    }

    /// <summary>The filters that map a high range, in their order.</summary>
    public static IReadOnlyList<(string Name, string Value)> ToStandard(SourcePicture picture)
    {
        var (primaries, matrix) = Colours(picture);
        return
        [
            ("format", "yuv420p10le"),
            (
                "zscale",
                $"transferin={picture.Transfer}:primariesin={primaries}:matrixin={matrix}:transfer=linear:npl=100"
            ),
            ("format", "gbrpf32le"),
            ("zscale", "primaries=bt709"),
            ("tonemap", "hable:desat=0"),
            ("zscale", "transfer=bt709:matrix=bt709:range=tv"),
        ];
    }

    private static VideoFilterOptions Deinterlaced(VideoFilterOptions filters, SourcePicture? picture, string mode) =>
        picture?.Interlaced is true
            ? filters.WithCustomFilter("bwdif", $"{mode}:parity=auto:deint=interlaced")
            : filters;

    /// <summary>Primaries and matrix of a high range, in ffmpeg's words.</summary>
    public static (string Primaries, string Matrix) Colours(SourcePicture picture) =>
        (Known(picture.Primaries, KnownPrimaries, "bt2020"), Known(picture.Matrix, KnownMatrices, "bt2020nc"));

    /// <summary>Sources that state no colours, or words that the filter does not know, are taken for BT.2020.</summary>
    private static string Known(string? stated, HashSet<string> known, string otherwise) =>
        stated is not null && known.Contains(stated) ? stated : otherwise;
}
