using EventStream.Contracts;

namespace EventStream.Encode.Ladder;

/// <summary>
/// The rungs of a further ladder: those of the H.264 ladder at their sizes, with the constant quality at which the
/// codec looks the same, held below the bits at which it does. The numbers were measured;
/// <c>docs/decisions/0053-further-ladders.md</c> says on what and how.
/// </summary>
public static class CodecLadder
{
    /// <summary>
    /// x264's rate factor in place of a bitrate: better is not seen. The bitrate still bounds the bits.
    /// </summary>
    private const double BestCrf = 21;

    /// <summary>Opus sounds at so much of the bits as AAC-LC does.</summary>
    private const double OpusBitsOfAac = 0.75;

    private static readonly Dictionary<string, Codec> Codecs = new(StringComparer.Ordinal)
    {
        [PictureCodec.Hevc] = new("libx265", 0.7, 3, [(21, 24), (26.5, 30), (32.5, 36), (38, 42)]),
        [PictureCodec.Av1] = new("libsvtav1", 0.5, 7, [(21, 35), (23.5, 45), (25.5, 52), (28, 58), (33.5, 63)]),
        [PictureCodec.Vp9] = new("libvpx-vp9", 0.7, 8, [(18.5, 28), (21, 36), (23.5, 44), (27, 52), (32, 63)]),
    };

    /// <summary>The codecs of further ladders that the setting names.</summary>
    public static IReadOnlyList<string> Further(string setting) =>
        [.. PictureCodec.Further.Where(Words(setting).Contains)];

    /// <summary>What is wrong with the setting, as ends of sentences.</summary>
    public static IEnumerable<string> Errors(string setting)
    {
        var words = Words(setting);
        foreach (var word in words.Where(word => word != PictureCodec.H264 && !PictureCodec.IsTask(word)))
            yield return $"'{word}' must be one of h264, {string.Join(", ", PictureCodec.Further)}";
        if (!words.Contains(PictureCodec.H264))
            yield return $"'{setting}' must name h264, which every device plays and which is made first";
    }

    /// <summary>ffmpeg's names of the encoders of a further ladder: of its picture, and of its sound.</summary>
    public static IReadOnlyList<string> Encoders(string codec) =>
        codec == PictureCodec.Vp9 ? [Codecs[codec].Encoder, "libopus"] : [Codecs[codec].Encoder];

    /// <summary>How many times the work of H.264 a pixel is; 1 for tasks of no further ladder.</summary>
    public static double CostOf(string task) => Codecs.GetValueOrDefault(task)?.Cost ?? 1;

    /// <summary>Bits per second of Opus in place of so many of AAC.</summary>
    public static int OpusBits(int aacBitsPerSecond) => Thousands(aacBitsPerSecond * OpusBitsOfAac);

    /// <summary>The rungs in a codec that stand for those of the H.264 ladder, in their order.</summary>
    public static IReadOnlyList<Rung> Of(string codec, IReadOnlyList<Rung> ladder) =>
        [
            .. ladder.Select(rung =>
                rung with
                {
                    Name = PictureCodec.NameOf(rung.Name, codec),
                    VideoBitrateBps = Thousands(rung.VideoBitrateBps * Codecs[codec].BitsOfH264),
                    Crf = Codecs[codec].Quality(rung.Crf ?? BestCrf),
                }
            ),
        ];

    private static string[] Words(string setting) =>
        setting.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static int Thousands(double bits) => (int)Math.Round(bits / 1000) * 1000;

    /// <summary>
    /// A codec by its encoder, its bits at equal SSIM, its cost, and pairs of x264's rate factor and its own constant
    /// quality at equal SSIM, between which one follows a line.
    /// </summary>
    private sealed record Codec(
        string Encoder,
        double BitsOfH264,
        double Cost,
        IReadOnlyList<(double X264, double Own)> Qualities
    )
    {
        /// <summary>A whole number, because some of the encoders take no other.</summary>
        public double Quality(double x264)
        {
            var at = 1;
            while (at < Qualities.Count - 1 && Qualities[at].X264 < x264)
                at++;
            var (low, high) = (Qualities[at - 1], Qualities[at]);
            var own = low.Own + ((high.Own - low.Own) * (x264 - low.X264) / (high.X264 - low.X264));
            return Math.Round(Math.Clamp(own, 1, 63));
        }
    }
}
