using System.Globalization;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// One packet as ffprobe prints it, times and length in seconds: null where the container states none.
/// <paramref name="Position"/> in bytes; a discarded packet is decoded and not shown; decoding can begin at a key
/// frame.
/// </summary>
public readonly record struct Packet(
    int Stream,
    double? Shown,
    double? Decoded,
    double Length,
    long? Position,
    bool Discarded,
    bool IsKey = false
)
{
    /// <summary>What ffprobe is asked for, in the order in which it prints.</summary>
    public const string Entries = "packet=stream_index,pts_time,dts_time,duration_time,pos,flags";

    /// <summary>Reads a line of comma-separated values; null for one that is no packet.</summary>
    public static Packet? Read(string line)
    {
        var parts = line.Split(',');
        return
            parts.Length >= 6 && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var stream)
            ? new Packet(
                stream,
                Number(parts[1]),
                Number(parts[2]),
                Math.Max(0, Number(parts[3]) ?? 0),
                Number(parts[4]) is { } at ? (long)at : null,
                parts[5].Contains('D', StringComparison.Ordinal),
                parts[5].Contains('K', StringComparison.Ordinal)
            )
            : null;
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
        && double.IsFinite(number)
            ? number
            : null;
}

/// <summary>
/// When the packets of one stream are played. Where a container's clock may begin again (<paramref name="resets"/>),
/// a jump is no time that passes: what follows is played at once, by the rule of ffmpeg, which encodes it so.
/// </summary>
public sealed class StreamClock(bool resets, double lengthOfOne)
{
    /// <summary>A step forward of more seconds is another clock; a shorter one is a gap.</summary>
    public const double ForwardMax = 10;

    /// <summary>A step back of more seconds is another clock; a shorter one is disorder.</summary>
    public const double BackMax = 0.1;

    private double offset;
    private double? next;
    private double last = double.MinValue;

    /// <summary>When the first packet is shown, in seconds of the container's clock; null without packets.</summary>
    public double? Start { get; private set; }

    /// <summary>When the last packet ends, jumps left out; null without packets.</summary>
    public double? End { get; private set; }

    /// <summary>Takes the next packet in the order of the file.</summary>
    public void Add(Packet packet)
    {
        if ((packet.Decoded + offset ?? packet.Shown + offset ?? next) is not { } at)
            return;
        if (resets && next is { } expected && IsJump(at, expected))
        {
            offset += expected - at;
            at = expected;
        }

        var length = packet.Length > 0 ? packet.Length : lengthOfOne;
        next = at + length;
        last = at;
        if (packet.Discarded)
            return;
        var shown = packet.Shown + offset ?? at;
        Start = Math.Min(Start ?? shown, shown);
        End = Math.Max(End ?? 0, shown + length);
    }

    private bool IsJump(double at, double expected) => Math.Abs(at - expected) > ForwardMax || at + BackMax < last;
}
