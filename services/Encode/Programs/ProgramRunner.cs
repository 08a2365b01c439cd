using System.Diagnostics;

namespace EventStream.Encode.Programs;

/// <summary>
/// A program ended with an error, or wrote nothing and was stopped. The message carries the end of its log.
/// </summary>
public sealed class ProgramFailedException(string program, int? exitCode, string tail)
    : Exception($"{program} {(exitCode is { } code ? $"ended with code {code}" : "was stopped")}: {tail}")
{
    public string Program { get; } = program;

    /// <summary>The exit code, or null where the runner stopped it.</summary>
    public int? ExitCode { get; } = exitCode;

    /// <summary>The last lines of standard error, in one.</summary>
    public string Tail { get; } = tail;
}

/// <summary>
/// Runs ffprobe and shaka-packager: start, lines of output, cancel, exit, and the end of standard error, each with a
/// bound. No program outlives its run, nor, on Linux, this process.
/// </summary>
public sealed class ProgramRunner(ProgramOptions options, TimeProvider clock)
{
    /// <summary>
    /// Runs to the end and hands each line of standard output to <paramref name="onLine"/>. On cancellation the
    /// program is killed before this ends. Throws <see cref="ProgramFailedException"/> for a non-zero exit, and for a
    /// program that wrote no line for <see cref="ProgramOptions.QuietMax"/>.
    /// </summary>
    public async Task RunAsync(
        string program,
        IReadOnlyList<string> arguments,
        Action<string> onLine,
        CancellationToken cancellation
    )
    {
        cancellation.ThrowIfCancellationRequested();
        using var process = new Process { StartInfo = StartInfo(program, arguments) };
        await ProgramThread.StartAsync(process);
        using var quiet = new CancellationTokenSource(options.QuietMax, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, quiet.Token);
        await using var kill = stop.Token.Register(() => Kill(process));
        var log = new ErrorLog();
        var errors = ReadLinesAsync(
            process.StandardError,
            line =>
            {
                quiet.CancelAfter(options.QuietMax);
                log.Add(line);
            }
        );
        process.StandardInput.Close();
        await ReadLinesAsync(
            process.StandardOutput,
            line =>
            {
                quiet.CancelAfter(options.QuietMax);
                onLine(line);
            }
        );
        await errors;
        await process.WaitForExitAsync(CancellationToken.None);
        cancellation.ThrowIfCancellationRequested();
        var name = Path.GetFileName(program);
        if (quiet.IsCancellationRequested)
            throw new ProgramFailedException(
                name,
                null,
                $"it said nothing for {options.QuietMax.TotalSeconds:0} s. {log.Tail}"
            );
        if (process.ExitCode != 0)
            throw new ProgramFailedException(name, process.ExitCode, log.Tail);
    }

    /// <summary>
    /// Runs to the end and returns standard output up to about <paramref name="charactersMax"/>; the rest is dropped.
    /// </summary>
    public async Task<string> ReadAsync(
        string program,
        IReadOnlyList<string> arguments,
        int charactersMax,
        CancellationToken cancellation
    )
    {
        var output = new System.Text.StringBuilder();
        await RunAsync(
            program,
            arguments,
            line =>
            {
                if (output.Length + line.Length < charactersMax)
                    output.AppendLine(line);
            },
            cancellation
        );
        return output.ToString();
    }

    private ProcessStartInfo StartInfo(string program, IReadOnlyList<string> arguments)
    {
        List<string> words = [.. options.Prefix, program, .. arguments];
        return new ProcessStartInfo(words[0], words.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
    }

    private static async Task ReadLinesAsync(StreamReader reader, Action<string> onLine)
    {
        while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
            onLine(line);
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself in the same instant.
        }
    }
}

/// <summary>
/// How programs run. <see cref="DeathSignal"/> is the path of <c>setpriv</c> and <see cref="Nice"/> that of
/// <c>nice</c>, null where the system lacks them.
/// </summary>
public sealed record ProgramOptions
{
    /// <summary>A program that writes nothing for so long hangs and is stopped.</summary>
    public TimeSpan QuietMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Unix niceness, 0 (none) to 19.</summary>
    public int Niceness { get; init; } = 10;

    public string? DeathSignal { get; init; } = Find("setpriv");

    public string? Nice { get; init; } = Find("nice");

    /// <summary>
    /// The words in front of a command line: a death signal, so that a killed worker leaves no encoder behind, and
    /// below normal priority, so that serving goes first on a shared machine.
    /// </summary>
    public IReadOnlyList<string> Prefix =>
        [
            .. DeathSignal is { } setpriv ? (string[])[setpriv, "--pdeathsig", "KILL"] : [],
            .. Nice is { } nice && Niceness > 0 ? (string[])[nice, "-n", $"{Niceness}"] : [],
        ];

    private static string? Find(string program) =>
        ((string[])["/usr/bin", "/bin"]).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
