using EventStream.Processes;
using FFMpegCore;
using FFMpegCore.Exceptions;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// How far ffmpeg is: the position in the output, and media seconds per wall second since the start.
/// </summary>
public readonly record struct FfmpegProgress(TimeSpan Position, double Speed);

/// <summary>
/// Runs what <see cref="FfmpegRecipes"/> builds: a thread of its own for each run, progress, cancellation, and an end
/// for a run that hangs or floods its log.
/// </summary>
/// <remarks>
/// The kernel sends a child's death signal when the thread that started it ends, and pool threads end when idle. The
/// run therefore keeps one thread from start to exit.
/// </remarks>
public sealed class FfmpegRunner
{
    /// <summary>
    /// FFMpegCore keeps every line of standard error until the run ends, progress lines too. A day of those is half of
    /// this; a source that makes ffmpeg write more is broken beyond use.
    /// </summary>
    public const int LogCharactersMax = 32 * 1024 * 1024;

    /// <summary>On cancellation ffmpeg gets this long to end by itself before it is killed.</summary>
    private static readonly TimeSpan CancelGrace = TimeSpan.FromSeconds(2);

    private readonly FFOptions first;
    private readonly FFOptions other;
    private readonly TimeSpan quietMax;
    private readonly TimeProvider clock;

    /// <summary>
    /// Runs the ffmpeg at <paramref name="program"/>. The launcher that sets its priority and death signal is written
    /// below <paramref name="workFolder"/>; the priority is that of <paramref name="programs"/> in the first lane and
    /// <paramref name="otherNiceness"/> in the other.
    /// </summary>
    public FfmpegRunner(
        string program,
        string workFolder,
        ProgramOptions programs,
        TimeProvider clock,
        int otherNiceness = 0
    )
    {
        this.clock = clock;
        quietMax = programs.QuietMax;
        FFOptions Options(int niceness) =>
            new()
            {
                BinaryFolder = FfmpegLauncher.Write(program, workFolder, programs with { Niceness = niceness }),
                TemporaryFilesFolder = workFolder,
            };
        first = Options(programs.Niceness);
        other = Options(Math.Max(programs.Niceness, otherNiceness));
    }

    /// <summary>
    /// Runs to the end, in <paramref name="folder"/> where one is named. On cancellation ffmpeg has ended before this
    /// does. Throws <see cref="ProgramFailedException"/> for a non-zero exit, a run without output for
    /// <see cref="ProgramOptions.QuietMax"/> and one that exceeds <see cref="LogCharactersMax"/>, and
    /// <see cref="IOException"/> where ffmpeg cannot be started.
    /// </summary>
    public async Task RunAsync(
        FFMpegArgumentProcessor job,
        Action<FfmpegProgress> onProgress,
        CancellationToken cancellation,
        bool firstLane = false,
        string? folder = null
    )
    {
        cancellation.ThrowIfCancellationRequested();
        using var stop = new CancellationTokenSource();
        using var kill = new CancellationTokenSource();
        using var quiet = new CancellationTokenSource(quietMax, clock);
        var (stopped, killed) = (Task.CompletedTask, Task.CompletedTask);
        // The library waits for ffmpeg inside the token's callback, which must not hold up the caller that cancels.
        using var cancelled = cancellation.Register(() => stopped = stop.CancelAsync());
        using var hanging = quiet.Token.Register(() => killed = kill.CancelAsync());
        var tail = new OutputTail();
        var written = 0L;
        var begun = clock.GetTimestamp();
        job.CancellableThrough(stop.Token, CancelGrace)
            .CancellableThrough(kill.Token, TimeSpan.Zero)
            .NotifyOnStandardError(line =>
            {
                written += line.Length + 1;
                quiet.CancelAfter(written > LogCharactersMax ? TimeSpan.Zero : quietMax);
                if (!IsProgress(line))
                    tail.Add(line);
            })
            .NotifyOnProgress(at => onProgress(new FfmpegProgress(at, Speed(at, clock.GetElapsedTime(begun)))));
        var lane = firstLane ? first : other;
        var result = await RunOnOwnThreadAsync(job, folder is null ? lane : In(folder, lane));
        await Task.WhenAll(stopped, killed);
        cancellation.ThrowIfCancellationRequested();
        if (result.Success)
            return;
        throw written > LogCharactersMax ? Ended("it logs too many errors")
        : quiet.IsCancellationRequested ? Ended($"it said nothing for {quietMax.TotalSeconds:0} s")
        : new ProgramFailedException("ffmpeg", result.ExitCode, tail.Text);

        ProgramFailedException Ended(string cause) => new("ffmpeg", null, $"{cause}. {tail.Text}");
    }

    private static FFOptions In(string folder, FFOptions lane) =>
        new()
        {
            BinaryFolder = lane.BinaryFolder,
            TemporaryFilesFolder = lane.TemporaryFilesFolder,
            WorkingDirectory = folder,
        };

    private static Task<FFMpegResult> RunOnOwnThreadAsync(FFMpegArgumentProcessor job, FFOptions options) =>
        Task.Factory.StartNew(
            () =>
            {
                try
                {
                    return job.ProcessSynchronously(throwOnError: false, options);
                }
                catch (FFMpegException e)
                {
                    throw new IOException(e.Message, e);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );

    /// <summary>ffmpeg's line of statistics, which it writes whatever the log level.</summary>
    private static bool IsProgress(string line) =>
        line.Contains("time=", StringComparison.Ordinal) && line.Contains("bitrate=", StringComparison.Ordinal);

    private static double Speed(TimeSpan position, TimeSpan elapsed) =>
        elapsed > TimeSpan.Zero ? position / elapsed : 0;
}
