namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// A constant frame rate as the exact fraction that ffmpeg takes, in frames per second. Every rung of a video is
/// encoded at the same one, which is what makes their GOPs, and so their segments, begin at the same instants.
/// </summary>
public readonly record struct FrameRate(int Numerator, int Denominator)
{
    /// <summary>
    /// Rates above this are halved until they fit: viewers see no more and the ladder would cost twice.
    /// </summary>
    public const double HighestHz = 60;

    /// <summary>Taken where a source does not state its rate.</summary>
    public static readonly FrameRate Default = new(30, 1);

    private static readonly FrameRate[] Standard =
    [
        new(24000, 1001),
        new(24, 1),
        new(25, 1),
        new(30000, 1001),
        new(30, 1),
        new(48, 1),
        new(50, 1),
        new(60000, 1001),
        new(60, 1),
    ];

    /// <summary>Frames per second.</summary>
    public double Hz => (double)Numerator / Denominator;

    /// <summary>
    /// The rate of the fields of interlaced frames at this rate. Some containers count fields as frames: a rate that
    /// is too high to be doubled is theirs already.
    /// </summary>
    public FrameRate OfFields => Hz * 2 <= HighestHz ? new FrameRate(Numerator * 2, Denominator) : this;

    /// <summary>Whole frames in a GOP of about <paramref name="seconds"/>, at least one.</summary>
    public int FramesPerGop(double seconds) =>
        Math.Max(1, (int)Math.Round(Hz * seconds, MidpointRounding.AwayFromZero));

    /// <summary>The exact length in seconds of a GOP of about <paramref name="seconds"/>.</summary>
    public double GopSeconds(double seconds) => FramesPerGop(seconds) / Hz;

    /// <summary>The fraction behind a decimal rate: 29.97 is 30000/1001.</summary>
    public static FrameRate FromHz(double hz)
    {
        if (!(hz > 0) || double.IsInfinity(hz))
            return Default;
        foreach (var denominator in (int[])[1, 1001])
        {
            var numerator = Math.Round(hz * denominator);
            if (numerator >= 1 && Math.Abs((numerator / denominator) - hz) < 1e-4)
                return new FrameRate((int)numerator, denominator);
        }

        return new FrameRate((int)Math.Max(1, Math.Round(hz * 1000)), 1000);
    }

    /// <summary>
    /// The constant rate at which a source is encoded, from its nominal (ffprobe's <c>r_frame_rate</c>) and average
    /// rates in frames per second. Where the two differ the rate varies, and the standard rate next to the average is
    /// taken. What is no rate, such as 0/0, is passed over.
    /// </summary>
    public static FrameRate Choose(double nominalHz, double averageHz)
    {
        // Containers without a rate of their own report their clock, such as 90000/1, as the nominal one.
        double? nominal = nominalHz is > 0 and <= 1000 ? nominalHz : null;
        var hz = averageHz > 0 && double.IsFinite(averageHz) ? averageHz : nominal ?? Default.Hz;
        if (nominal is { } exact && Math.Abs(exact - hz) <= hz * 0.002)
            hz = exact;
        else if (hz is >= 20 and <= 62)
            hz = Standard.MinBy(standard => Math.Abs(standard.Hz - hz)).Hz;
        else
            hz = Math.Max(1, Math.Round(hz));
        while (hz > HighestHz)
            hz /= 2;
        return FromHz(hz);
    }

    public override string ToString() => $"{Numerator}/{Denominator}";
}
