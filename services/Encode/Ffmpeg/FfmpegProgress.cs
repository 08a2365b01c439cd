using System.Globalization;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// How far ffmpeg is: seconds of output written, media seconds per wall second, and whether it is the last report.
/// </summary>
public sealed record FfmpegProgress(double OutSeconds, double Speed, bool Last);

/// <summary>
/// Reads the <c>key=value</c> lines of <c>-progress</c>; a report is whole when its <c>progress</c> line comes.
/// </summary>
public sealed class FfmpegProgressReader
{
    private double outSeconds;
    private double speed;

    /// <summary>
    /// Takes one line and returns a report when it completes one. Lines it does not know are passed over.
    /// </summary>
    public FfmpegProgress? Take(string line)
    {
        var at = line.IndexOf('=', StringComparison.Ordinal);
        if (at < 0) return null;
        var value = line.AsSpan(at + 1).Trim();
        switch (line.AsSpan(0, at))
        {
            case "out_time_us":
                // The value is N/A, or far below zero, until the first packet is written.
                if (Number(value) is > 0 and var microseconds) outSeconds = Math.Max(outSeconds, microseconds / 1e6);
                return null;
            case "speed":
                if (Number(value.TrimEnd('x')) is { } told) speed = told;
                return null;
            case "progress":
                return new FfmpegProgress(outSeconds, speed, value is "end");
            default:
                return null;
        }
    }

    private static double? Number(ReadOnlySpan<char> text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? value
            : null;
}
