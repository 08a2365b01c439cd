using System.Globalization;
using System.Text;
using EventStream.Contracts;
using EventStream.Processes;

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

    /// <summary>ffprobe writes one value a line; titles and languages are far shorter.</summary>
    private const int ReportLineMax = 4096;

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
                    $"The file is cut short: it announces {promised:0.#} s and ends after {end:0.#} s.",
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
        string[] arguments = ["-v", "error", .. SourceFile.Guard, .. ProbeReport.Entries, SourceFile.Address(path)];
        var report = new StringBuilder();
        try
        {
            await programs.RunAsync(ffprobe, arguments, line => Keep(report, line), cancellation);
            return report.ToString();
        }
        catch (ProgramFailedException e) when (e.ExitCode == 1)
        {
            throw new UnusableSourceException(
                $"The file is not a video that can be read ({Cause(e.Tail, path)}).",
                Containers
            );
        }
    }

    private static void Keep(StringBuilder report, string line)
    {
        // A tag so long is of no use; its place is kept, or the JSON would break.
        if (line.Length > ReportLineMax)
            line = line.EndsWith(',') ? "\"cut\": \"\"," : "\"cut\": \"\"";
        if (report.Length + line.Length < ReportCharactersMax)
            report.AppendLine(line);
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
        string[] packets = ["-read_intervals", $"{from:0.###}%", "-show_entries", "packet=pts_time,duration_time"];
        string[] arguments =
        [
            "-v",
            "quiet",
            .. SourceFile.Guard,
            .. packets,
            "-of",
            "csv=p=0",
            SourceFile.Address(path),
        ];
        try
        {
            await programs.RunAsync(ffprobe, arguments, line => end = Later(end, line), cancellation);
            return end;
        }
        catch (ProgramFailedException e) when (e.ExitCode is not null)
        {
            return null;
        }
    }

    private static double? Later(double? end, string line)
    {
        var parts = line.Split(',');
        if (!double.TryParse(parts[0], CultureInfo.InvariantCulture, out var at))
            return end;
        if (parts.Length > 1 && double.TryParse(parts[1], CultureInfo.InvariantCulture, out var length))
            at += length;
        return Math.Max(end ?? at, at);
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
}
