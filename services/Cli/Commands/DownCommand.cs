using System.CommandLine;
using EventStream.Cli.Supervisor;
using EventStream.Processes;

namespace EventStream.Cli.Commands;

/// <summary><c>eventstream down</c>: stops the platform of a data folder and returns when it is gone.</summary>
internal static class DownCommand
{
    /// <summary>Each part bounds its own stop, so a longer wait means that the supervisor itself hangs.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);

    public static Command Build() =>
        CommandLine.Verb("down", "Stop the platform that `up` started.", [UpCommand.Data], RunAsync);

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var data = new DataFolder(parsed.GetValue(UpCommand.Data)!);
        if (RunFile.Read(data) is not { } run)
        {
            System.Console.WriteLine($"No platform runs in '{data.Root}'.");
            return 0;
        }

        Posix.Signal(run.Pid, Posix.SigTerm);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(StopTimeout);
        try
        {
            while (run.IsAlive)
                await Task.Delay(LookInterval, timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandException(
                $"Process {run.Pid} did not stop within {StopTimeout.TotalSeconds:0} s; "
                    + $"`kill -9 {run.Pid}` ends it and its children."
            );
        }

        System.Console.WriteLine($"The platform in '{data.Root}' is stopped.");
        return 0;
    }
}
