using System.Collections.Concurrent;
using System.Diagnostics;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>
/// One instance of a stream in a process of its own, that a fault run kills, stops, suspends and starts again. It ends
/// with the test, and with the test process where that is killed.
/// </summary>
internal sealed class StreamInstance : IAsyncDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(60);
    private readonly Process process;
    private readonly ConcurrentQueue<string> output = new();

    private StreamInstance(string name, Process process)
    {
        (Name, this.process) = (name, process);
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Name { get; }

    public bool HasExited => process.HasExited;

    /// <summary>The last lines that it wrote, for the message of a failed test.</summary>
    public string OutputEnd => string.Join('\n', output.TakeLast(15));

    /// <summary>The counting stream of <see cref="CountProgram"/>.</summary>
    public static StreamInstance Count(string name, string bootstrap, CountSettings settings)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                "exec",
                typeof(Program).Assembly.Location,
                "count",
                bootstrap,
                name,
                settings.ToArgument(),
            },
        };
        return Launch(name, start);
    }

    /// <summary>The role <c>qoe</c>, as a machine runs it.</summary>
    public static StreamInstance Qoe(string name, IEnumerable<KeyValuePair<string, string?>> settings)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { "exec", Path.Combine(AppContext.BaseDirectory, "eventstream.dll"), "run", "qoe" },
            Environment = { ["EVENTSTREAM__LISTEN__QOE"] = "http://127.0.0.1:0" },
        };
        foreach (var (key, value) in settings)
            start.Environment["EVENTSTREAM__" + key.Replace(":", "__").ToUpperInvariant()] = value;
        return Launch(name, start);
    }

    /// <summary>kill -9, and nothing else.</summary>
    public async Task KillAsync()
    {
        if (!process.HasExited)
            process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, then waits until it has left its group and ended.</summary>
    public async Task LeaveAsync()
    {
        await SignalAsync("TERM");
        await process.WaitForExitAsync().WaitAsync(StopTimeout);
    }

    /// <summary>Suspends the process as a long pause of the machine does (SIGSTOP).</summary>
    public Task SuspendAsync() => SignalAsync("STOP");

    public Task ResumeAsync() => SignalAsync("CONT");

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        process.Dispose();
    }

    private static StreamInstance Launch(string name, ProcessStartInfo start)
    {
        start.UseShellExecute = false;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        // A counting instance ends with its standard input, which is this pipe.
        start.RedirectStandardInput = true;
        var started = Process.Start(start)!;
        EventStreamProcess.EndWithThisProcess(started.Id);
        return new StreamInstance(name, started);
    }

    private async Task SignalAsync(string signal)
    {
        if (process.HasExited)
            return;
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    private void Keep(string? line)
    {
        if (line is { Length: > 0 })
            output.Enqueue(line);
        while (output.Count > 200)
            output.TryDequeue(out _);
    }
}
