using EventStream.Contracts;
using EventStream.Playback.Catalogue;

namespace EventStream.Playback.Manifests;

/// <summary>
/// Which of the ladders players should take where they can play several: the one that looks best for the same bits,
/// as <c>docs/decisions/0053-further-ladders.md</c> measured it.
/// </summary>
internal static class CodecPreference
{
    private const double HighRange = 0.5;

    /// <summary>The codecs of further ladders, the best first.</summary>
    public static readonly IReadOnlyList<string> Order = [PictureCodec.Av1, PictureCodec.Hevc, PictureCodec.Vp9];

    /// <summary>
    /// The value of DASH's <c>selectionPriority</c> for a codec; a set without one has 1, as H.264 has.
    /// </summary>
    public static int Priority(string codec) =>
        Order.TakeWhile(other => other != codec).Count() is var at && at < Order.Count ? 1 + Order.Count - at : 1;

    /// <summary>
    /// The value of HLS's <c>SCORE</c>: first by the rung, from 1 for the lowest, then by the codec, so that a variant
    /// of fewer bits goes before another of the same rung. A high range goes before either.
    /// </summary>
    public static double Score(Rendition made, CatalogueVideo video)
    {
        var codec = PictureCodec.Of(made.Codecs) ?? PictureCodec.H264;
        var rungs = video.Rungs.Select(track => track.Media).ToList();
        var name = made.Name.Replace(PictureCodec.NameOf("", codec), "", StringComparison.Ordinal);
        var place = rungs.FindIndex(rung => rung.Name == name);
        if (place < 0)
            place = rungs.FindLastIndex(rung => rung.Height <= made.Height);
        return 1 + Math.Max(0, place) + (made.Range is null ? (Priority(codec) - 1) / 10.0 : HighRange);
    }
}
