using System.Diagnostics;

namespace EventStream.Processes;

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

/// <summary>How programs run.</summary>
public sealed record ProgramOptions
{
    /// <summary>A program that writes nothing for so long hangs and is stopped.</summary>
    public TimeSpan QuietMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Unix niceness, 0 (none) to 19.</summary>
    public int Niceness { get; init; } = 10;

    /// <summary>
    /// The words in front of a command line: a death signal, so that a killed worker leaves no encoder behind, and
    /// below normal priority, so that serving goes first on a shared machine.
    /// </summary>
    public IReadOnlyList<string> Prefix =>
        [
            .. ProcessSpawner.EndedBy("KILL"),
            .. Niceness > 0 && Tools.Find("nice") is { } nice ? (string[])[nice, "-n", $"{Niceness}"] : [],
        ];
}

/// <summary>
/// Runs a program to its end: start, lines of output, cancel, exit, and the end of standard error, each with a bound.
/// No program outlives its run, nor, on Linux, this process.
/// </summary>
public sealed class ProgramRunner(ProgramOptions options, TimeProvider clock)
{
    /// <summary>A longer line of output is cut, as <see cref="BoundedLines"/> does it.</summary>
    public const int LineCharactersMax = 16 * 1024;

    /// <summary>
    /// Runs to the end and hands each line of standard output to <paramref name="onLine"/>. On cancellation the
    /// program is killed before this ends. Throws <see cref="ProgramFailedException"/> for a non-zero exit, and for a
    /// program that wrote nothing for <see cref="ProgramOptions.QuietMax"/>.
    /// </summary>
    public async Task RunAsync(
        string program,
        IReadOnlyList<string> arguments,
        Action<string> onLine,
        CancellationToken cancellation
    )
    {
        cancellation.ThrowIfCancellationRequested();
        using var process = await ProcessSpawner.StartAsync([.. options.Prefix, program, .. arguments]);
        using var quiet = new CancellationTokenSource(options.QuietMax, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, quiet.Token);
        await using var kill = stop.Token.Register(() => Kill(process));
        var tail = new OutputTail();
        Task ReadAsync(StreamReader reader, Action<string> take) =>
            BoundedLines.ReadAsync(
                reader,
                LineCharactersMax,
                take,
                () => quiet.CancelAfter(options.QuietMax),
                CancellationToken.None
            );

        process.StandardInput.Close();
        await Task.WhenAll(ReadAsync(process.StandardOutput, onLine), ReadAsync(process.StandardError, tail.Add));
        await process.WaitForExitAsync(CancellationToken.None);
        cancellation.ThrowIfCancellationRequested();
        var name = Path.GetFileName(program);
        if (quiet.IsCancellationRequested)
            throw new ProgramFailedException(
                name,
                null,
                $"it said nothing for {options.QuietMax.TotalSeconds:0} s. {tail.Text}"
            );
        if (process.ExitCode != 0)
            throw new ProgramFailedException(name, process.ExitCode, tail.Text);
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
