using System.Text;
using EventStream.Contracts;
using EventStream.Processes;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// Reads a source with ffprobe: what it is, and how long picture and sound really last. FFMpegCore reads the report;
/// ffprobe itself is run here, because the library keeps all of its output, which a hostile file makes as long as it
/// likes. ffprobe opens files of this machine only, and its time and memory are bounded.
/// </summary>
public sealed class SourceReader(string ffprobe, ProgramRunner programs, TimeProvider clock)
{
    /// <summary>ffprobe writes less than a kilobyte for each stream; more is a file made to harm.</summary>
    private const int ReportCharactersMax = 512 * 1024;

    /// <summary>ffprobe writes one value a line; titles and languages are far shorter.</summary>
    private const int ReportLineMax = 4096;

    /// <summary>Address space of one ffprobe; the index of a whole day is a twentieth of it.</summary>
    private const long MemoryBytesMax = 4L << 30;

    /// <summary>A longer source is refused: its times are wrong, or nobody waits for its encode.</summary>
    private static readonly TimeSpan LengthMax = TimeSpan.FromHours(48);

    /// <summary>What is not read through in this time is refused: a disk reads some hundred gigabytes in it.</summary>
    private static readonly TimeSpan ReadMax = TimeSpan.FromMinutes(30);

    /// <summary>
    /// Reads <paramref name="path"/> whole and calls <paramref name="onFraction"/> with the part that is read, in
    /// 0..1. Throws <see cref="UnusableSourceException"/> for what cannot be encoded, and
    /// <see cref="ProgramFailedException"/> when ffprobe itself could not run.
    /// </summary>
    public async Task<SourceInfo> ReadAsync(string path, Action<double> onFraction, CancellationToken cancellation)
    {
        var size = new FileInfo(path).Length;
        if (size == 0)
            throw new UnusableSourceException("The file is empty.", "Upload a file that holds a video.");
        using var late = new CancellationTokenSource(ReadMax, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, late.Token);
        try
        {
            var report = ProbeReport.Read(await ProbeAsync(path, stop.Token));
            var info = report.Describe(size);
            var rate = FrameRate.FromHz(info.FramesPerSecond);
            var measure = new SourceMeasure(report, 1 / rate.Hz, size, onFraction);
            await MeasureAsync(path, measure, stop.Token);
            var part = Check(report, measure, rate);
            return info with
            {
                DurationSeconds = part.DurationSeconds,
                StartSeconds = part.StartSeconds,
                KeyFrameSeconds = measure.KeyFrameSeconds(part),
            };
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new UnusableSourceException(
                $"The file takes longer than {ReadMax.TotalMinutes:0} minutes to read.",
                Refusals.OtherContainer
            );
        }
    }

    /// <summary>
    /// The measured part, where it is one that can be encoded. An index that names packets which are not there is that
    /// of a file which was cut; what other containers announce is not believed.
    /// </summary>
    private static PlayedPart Check(ProbeReport report, SourceMeasure measure, FrameRate rate)
    {
        if (
            report is { HasIndex: true, DurationSeconds: { } promised }
            && measure.LastSeconds < promised - Math.Max(1, promised * 0.05)
        )
        {
            throw new UnusableSourceException(
                $"The file is cut short: it announces {promised:0.#} s and ends after {measure.LastSeconds:0.#} s.",
                "Upload the whole file again."
            );
        }

        var part =
            measure.Part(rate)
            ?? throw new UnusableSourceException("The file holds no playable picture.", Refusals.OtherContainer);
        return part.DurationSeconds <= LengthMax.TotalSeconds
            ? part
            : throw new UnusableSourceException(
                $"The video lasts {part.DurationSeconds / 3600:0} hours by its own clock; at most "
                    + $"{LengthMax.TotalHours:0} are encoded.",
                "Cut it into shorter videos, or export it again so that its clock is right."
            );
    }

    private async Task<string> ProbeAsync(string path, CancellationToken cancellation)
    {
        var report = new StringBuilder();
        try
        {
            await RunAsync(["-v", "error", .. ProbeReport.Entries], path, line => Keep(report, line), cancellation);
            return report.ToString();
        }
        catch (ProgramFailedException e) when (e.ExitCode is not null)
        {
            var head = new byte[Refusals.HeadSize];
            await using var file = File.OpenRead(path);
            var read = await file.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation);
            throw Refusals.Of(e.Tail, head.AsSpan(0, read));
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

    private async Task MeasureAsync(string path, SourceMeasure measure, CancellationToken cancellation)
    {
        try
        {
            string[] packets = ["-v", "quiet", "-show_entries", Packet.Entries, "-of", "csv=p=0"];
            await RunAsync(packets, path, measure.Add, cancellation);
        }
        catch (ProgramFailedException e) when (e.ExitCode is not null)
        {
            // What could be read up to the damage is the measure.
        }
    }

    private Task RunAsync(string[] options, string path, Action<string> onLine, CancellationToken cancellation)
    {
        string[] arguments = [.. options, .. SourceFile.Guard, SourceFile.Address(path)];
        return Tools.Find("prlimit") is { } prlimit
            ? programs.RunAsync(prlimit, [$"--as={MemoryBytesMax}", ffprobe, .. arguments], onLine, cancellation)
            : programs.RunAsync(ffprobe, arguments, onLine, cancellation);
    }
}
