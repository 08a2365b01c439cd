using System.Diagnostics;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// A program ended with an error, or went quiet and was stopped. The message carries the end of what it said.
/// </summary>
public sealed class ProgramFailedException(string program, int? exitCode, string tail)
    : Exception($"{program} {(exitCode is { } code ? $"ended with code {code}" : "was stopped")}: {tail}")
{
    public string Program { get; } = program;

    /// <summary>The exit code, or null where the runner stopped it.</summary>
    public int? ExitCode { get; } = exitCode;

    /// <summary>The last lines of standard error.</summary>
    public string Tail { get; } = tail;
}

/// <summary>
/// Runs one program: start, lines of output, cancel, exit, and the end of its standard error. It owns the life of the
/// process: no program outlives its run, nor, on Linux, this process.
/// </summary>
public sealed class ProgramRunner(ProgramOptions options, TimeProvider clock)
{
    /// <summary>
    /// Lines of standard error kept for the message; the first of a long list tell nothing that the last do not.
    /// </summary>
    private const int TailLinesMax = 12;

    private const int TailLineLengthMax = 400;

    /// <summary>
    /// Runs to the end and hands each line of standard output to <paramref name="onLine"/>. On cancellation the
    /// program is killed before this ends. Throws <see cref="ProgramFailedException"/> for a non-zero exit, and for a
    /// program that wrote no line for <see cref="ProgramOptions.QuietMax"/>.
    /// </summary>
    public async Task RunAsync(
        string program, IReadOnlyList<string> arguments, Action<string> onLine, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var process = new Process { StartInfo = StartInfo(program, arguments) };
        await ProgramThread.StartAsync(process);
        using var quiet = new CancellationTokenSource(options.QuietMax, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, quiet.Token);
        await using var kill = stop.Token.Register(() => Kill(process));
        var heard = (string line) =>
        {
            quiet.CancelAfter(options.QuietMax);
            onLine(line);
        };
        var tail = ReadTailAsync(process.StandardError, () => quiet.CancelAfter(options.QuietMax));
        await ReadLinesAsync(process, heard);
        var said = await tail;
        await process.WaitForExitAsync(CancellationToken.None);
        cancellation.ThrowIfCancellationRequested();
        var name = Path.GetFileName(program);
        if (quiet.IsCancellationRequested)
            throw new ProgramFailedException(name, null,
                $"it said nothing for {options.QuietMax.TotalSeconds:0} s. {said}");
        if (process.ExitCode != 0) throw new ProgramFailedException(name, process.ExitCode, said);
    }

    /// <summary>
    /// Runs to the end and returns standard output, which must not exceed <paramref name="charactersMax"/>.
    /// </summary>
    public async Task<string> ReadAsync(
        string program, IReadOnlyList<string> arguments, int charactersMax, CancellationToken cancellation)
    {
        var output = new System.Text.StringBuilder();
        await RunAsync(
            program, arguments,
            line =>
            {
                if (output.Length + line.Length < charactersMax) output.AppendLine(line);
            },
            cancellation);
        return output.ToString();
    }

    /// <summary>
    /// The command line: below normal priority, so that serving goes first on a shared machine, and with a death
    /// signal, so that a killed worker leaves no encoder behind.
    /// </summary>
    internal ProcessStartInfo StartInfo(string program, IReadOnlyList<string> arguments)
    {
        List<string> words = [];
        if (options.DeathSignal is { } setpriv) words.AddRange([setpriv, "--pdeathsig", "KILL"]);
        if (options is { Nice: { } nice, Niceness: > 0 }) words.AddRange([nice, "-n", $"{options.Niceness}"]);
        words.Add(program);
        words.AddRange(arguments);
        return new ProcessStartInfo(words[0], words.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
    }

    private static async Task ReadLinesAsync(Process process, Action<string> onLine)
    {
        process.StandardInput.Close();
        while (await process.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line) onLine(line);
    }

    private static async Task<string> ReadTailAsync(StreamReader errors, Action heard)
    {
        var tail = new Queue<string>();
        while (await errors.ReadLineAsync(CancellationToken.None) is { } line)
        {
            heard();
            if (line.Length == 0) continue;
            tail.Enqueue(line.Length > TailLineLengthMax ? line[..TailLineLengthMax] : line);
            if (tail.Count > TailLinesMax) tail.Dequeue();
        }

        return string.Join(" | ", tail);
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

    private static string? Find(string program) =>
        ((string[])["/usr/bin", "/bin"]).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
