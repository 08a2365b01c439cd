using System.Diagnostics;
using System.Text;

namespace EventStream.Tests.Kit;

/// <summary>Runs a program to its end, with what it reads and within a limit.</summary>
public static class Command
{
    /// <summary>The exit code and both streams; the environment is added to this process's own.</summary>
    /// <exception cref="TimeoutException">It took longer than the limit and was ended.</exception>
    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(
        TimeSpan limit,
        string program,
        IEnumerable<string> arguments,
        string? input = null,
        IReadOnlyDictionary<string, string>? environment = null
    ) => RunAsync(limit, lineRenews: false, program, arguments, input, environment);

    /// <summary>
    /// The same for what takes longer the busier the machine is: the limit counts from the last line that it wrote.
    /// </summary>
    /// <exception cref="TimeoutException">It wrote nothing for longer than the limit and was ended.</exception>
    public static Task<(int ExitCode, string Output, string Errors)> RunWhileItWritesAsync(
        TimeSpan limit,
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null
    ) => RunAsync(limit, lineRenews: true, program, arguments, null, environment);

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        TimeSpan limit,
        bool lineRenews,
        string program,
        IEnumerable<string> arguments,
        string? input,
        IReadOnlyDictionary<string, string>? environment
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        using var cancel = new CancellationTokenSource(limit);
        Task<string> ReadAsync(StreamReader stream) =>
            lineRenews
                ? ReadLinesAsync(stream, () => cancel.CancelAfter(limit))
                : stream.ReadToEndAsync(CancellationToken.None);
        var (output, errors) = (ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
        try
        {
            if (input is not null)
                await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(cancel.Token);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            var took = lineRenews ? "wrote nothing for" : "took longer than";
            throw new TimeoutException($"{program} {took} {limit}:\n{await output}\n{await errors}", e);
        }

        return (process.ExitCode, await output, await errors);
    }

    private static async Task<string> ReadLinesAsync(StreamReader stream, Action onLine)
    {
        var lines = new StringBuilder();
        while (await stream.ReadLineAsync(CancellationToken.None) is { } line)
        {
            onLine();
            lines.Append(line).Append('\n');
        }

        return lines.ToString();
    }
}
