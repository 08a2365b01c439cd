using System.Diagnostics;

namespace EventStream.Tests.Kit;

/// <summary>Runs a program to its end, with what it reads and within a limit.</summary>
public static class Command
{
    /// <summary>The exit code and both streams; the environment is added to this process's own.</summary>
    /// <exception cref="TimeoutException">It took longer than the limit and was ended.</exception>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        TimeSpan limit,
        string program,
        IEnumerable<string> arguments,
        string? input = null,
        IReadOnlyDictionary<string, string>? environment = null
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
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
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
            throw new TimeoutException($"{program} took longer than {limit}:\n{await output}\n{await errors}", e);
        }

        return (process.ExitCode, await output, await errors);
    }
}
