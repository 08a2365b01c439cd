namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// Measures where picture and sound of a source begin and end, from its packets as ffprobe prints them. Holds a few
/// numbers, however long the source is. <paramref name="frameSeconds"/> is the length of a picture that states none;
/// <paramref name="onFraction"/> is called with the part of the file that is read, in 0..1.
/// </summary>
public sealed class SourceMeasure(ProbeReport report, double frameSeconds, long sizeBytes, Action<double> onFraction)
{
    /// <summary>The part is called back once in so many packets.</summary>
    private const int PacketsOfStep = 1000;

    /// <summary>A sound that begins less than so many seconds before the picture begins with it.</summary>
    private const double StartTolerance = 0.05;

    private readonly StreamClock picture = new(report.ClockResets, frameSeconds);
    private readonly StreamClock sound = new(report.ClockResets, 0);
    private double? last;
    private double? lastKey;
    private double longestGop;
    private int packets;

    /// <summary>
    /// Where the last packet of any stream ends, in seconds of the container's clock: some announce a length that is
    /// the time of their end.
    /// </summary>
    public double LastSeconds => last - Math.Min(0, report.StartSeconds) ?? 0;

    /// <summary>Takes a line of ffprobe, in the order of the file.</summary>
    public void Add(string line)
    {
        if (Packet.Read(line) is not { } packet)
            return;
        if (packet.Stream == report.PictureIndex)
            AddPicture(packet);
        else if (packet.Stream == report.SoundIndex)
            sound.Add(packet);
        if ((packet.Shown ?? packet.Decoded) is { } at)
            last = Math.Max(last ?? at, at + packet.Length);
        if (++packets % PacketsOfStep == 0 && packet.Position is { } position)
            onFraction(Math.Clamp((double)position / sizeBytes, 0, 1));
    }

    /// <summary>
    /// The longest time in seconds between two key frames of the picture, or from the last one to the end of the
    /// <paramref name="part"/>; null where the container cannot be read from any time on.
    /// </summary>
    public double? KeyFrameSeconds(PlayedPart part) =>
        report.IsSeekable && lastKey is { } key
            ? Math.Round(Math.Max(longestGop, part.StartSeconds + part.DurationSeconds + report.StartSeconds - key), 3)
            : null;

    /// <summary>What is played at a constant rate; null where there is no packet of the picture.</summary>
    public PlayedPart? Part(FrameRate rate)
    {
        if (picture.Start is not { } begins || picture.End is not { } ends)
            return null;
        var zero = report.StartSeconds;
        // Sound that begins so little before the picture is the priming of its codec.
        var start = (sound.Start is { } first && first < begins - StartTolerance ? first : begins) - zero;
        return PlayedPart.Between(Math.Max(0, start), ends - zero, sound.End - zero, rate);
    }

    private void AddPicture(Packet packet)
    {
        picture.Add(packet);
        if (!packet.IsKey || packet.Shown is not { } shown)
            return;
        longestGop = Math.Max(longestGop, shown - (lastKey ?? shown));
        lastKey = Math.Max(lastKey ?? shown, shown);
    }
}
