using System.Globalization;
using EventStream.Contracts;
using EventStream.Encode.Programs;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// The source cannot become a video. <see cref="Reason"/> and <see cref="Remedy"/> are sentences for the publisher.
/// </summary>
public sealed class UnusableSourceException(string reason, string remedy) : Exception($"{reason} {remedy}")
{
    public string Reason { get; } = reason;
    public string Remedy { get; } = remedy;
}

/// <summary>
/// Reads a source with ffprobe: what it is, and whether it is whole. FFMpegCore reads the report; ffprobe itself is run
/// here, because the library keeps all of its output, which a hostile file makes as long as it likes.
/// </summary>
public sealed class SourceReader(string ffprobe, ProgramRunner programs, FfmpegRunner ffmpeg)
{
    /// <summary>ffprobe writes less than a kilobyte for each stream; more is a file made to harm.</summary>
    private const int ReportCharactersMax = 512 * 1024;

    private const string Containers = "Export it as MP4, MOV, MKV, WebM, AVI or MPEG-TS and upload it again.";

    /// <summary>
    /// Reads <paramref name="path"/>. Throws <see cref="UnusableSourceException"/> for what cannot be encoded, and
    /// <see cref="ProgramFailedException"/> when ffprobe itself could not run.
    /// </summary>
    public async Task<SourceInfo> ReadAsync(string path, CancellationToken cancellation)
    {
        var size = new FileInfo(path).Length;
        if (size == 0)
            throw new UnusableSourceException("The file is empty.", "Upload a file that holds a video.");
        var report = ProbeReport.Read(await ProbeAsync(path, cancellation));
        var info = report.Describe(size);
        var end = await EndOfMediaAsync(path, report.DurationSeconds, cancellation);
        if (report.DurationSeconds is { } promised)
        {
            if (end < promised - Math.Max(1, promised * 0.05))
            {
                throw new UnusableSourceException(
                    Sentence($"The file is cut short: it announces {promised:0.#} s and ends after {end:0.#} s."),
                    "Upload the whole file again."
                );
            }

            return info;
        }

        return end > 0
            ? info with
            {
                DurationSeconds = end,
            }
            : throw new UnusableSourceException("The file holds no playable picture.", Containers);
    }

    private async Task<string> ProbeAsync(string path, CancellationToken cancellation)
    {
        try
        {
            return await programs.ReadAsync(
                ffprobe,
                ["-v", "error", .. SourceFile.Guard, .. ProbeReport.Entries, SourceFile.Address(path)],
                ReportCharactersMax,
                cancellation
            );
        }
        catch (ProgramFailedException e) when (e.ExitCode == 1)
        {
            throw new UnusableSourceException(
                $"The file is not a video that can be read ({Cause(e.Tail, path)}).",
                Containers
            );
        }
    }

    /// <summary>
    /// Seconds at which the last packet ends: from the packets near the announced end or, where there are none, by
    /// reading through the whole file. Only that shows that a file whose index survived is cut.
    /// </summary>
    private async Task<double> EndOfMediaAsync(string path, double? announced, CancellationToken cancellation)
    {
        if (
            announced is { } duration
            && await TailEndAsync(path, Math.Max(0, duration - 2), cancellation) is { } end
            && end >= duration - Math.Max(1, duration * 0.05)
        )
            return end;
        var last = TimeSpan.Zero;
        try
        {
            await ffmpeg.RunAsync(FfmpegRecipes.Measure(path), progress => last = progress.Position, cancellation);
        }
        catch (ProgramFailedException e) when (e.ExitCode is not null)
        {
            // What could be read up to the damage is the measure.
        }

        return last.TotalSeconds;
    }

    private async Task<double?> TailEndAsync(string path, double from, CancellationToken cancellation)
    {
        double? end = null;
        var interval = string.Create(CultureInfo.InvariantCulture, $"{from:0.###}%");
        try
        {
            await programs.RunAsync(
                ffprobe,
                [
                    "-v",
                    "quiet",
                    .. SourceFile.Guard,
                    "-read_intervals",
                    interval,
                    "-show_entries",
                    "packet=pts_time,duration_time",
                    "-of",
                    "csv=p=0",
                    SourceFile.Address(path),
                ],
                line => end = Later(end, line),
                cancellation
            );
        }
        catch (ProgramFailedException e) when (e.ExitCode is not null)
        {
            return null;
        }

        return end;
    }

    private static double? Later(double? end, string line)
    {
        var parts = line.Split(',');
        if (!double.TryParse(parts[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var at))
            return end;
        if (
            parts.Length > 1
            && double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var length)
        )
            at += length;
        return end is { } known ? Math.Max(known, at) : at;
    }

    /// <summary>The last line of ffprobe's log, without the path of the file and the address of its demuxer.</summary>
    private static string Cause(string tail, string path)
    {
        var last = tail.Split(" | ").FirstOrDefault(line => line.StartsWith('[')) ?? tail.Split(" | ")[^1];
        var text = last.StartsWith('[') ? last[(last.IndexOf(']', StringComparison.Ordinal) + 1)..] : last;
        return text.Replace($"file:{path}: ", "", StringComparison.Ordinal).Trim() is { Length: > 0 } cause
            ? cause
            : "no reason given";
    }

    private static string Sentence(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
