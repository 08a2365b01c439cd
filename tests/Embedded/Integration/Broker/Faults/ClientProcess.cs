using System.Diagnostics;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>
/// A client of a crash run in a process of its own, started again whenever it ends. What it says goes to the evidence;
/// what it said before it was killed is still read.
/// </summary>
internal sealed class ClientProcess(string role, Func<int, string[]> arguments, string bootstrap, Evidence evidence)
    : IAsyncDisposable
{
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(120);
    private readonly List<Task> _watched = [];
    private readonly Lock _gate = new();
    private Process? _process;
    private bool _ending;
    private int _runs;

    public string Role { get; } = role;

    /// <summary>Starts the client, and again after each end until <see cref="EndAsync"/>.</summary>
    public void Start()
    {
        lock (_gate)
        {
            if (!_ending)
            {
                _process = Launch();
                _watched.Add(WatchAsync(_process, again: true));
            }
        }
    }

    /// <summary>kill -9; the next process starts at once.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            if (_process is { HasExited: false } process)
            {
                process.Kill();
            }
        }
    }

    /// <summary>
    /// Stops the process without ending it (SIGSTOP), lets a second one take its place, and lets the first go on: it
    /// must find itself fenced and end. Returns how it ended.
    /// </summary>
    public async Task<int> SupplantAsync(TimeSpan pause, CancellationToken cancellation)
    {
        Process first;
        lock (_gate)
        {
            if (_ending || _process is not { HasExited: false } process)
            {
                return FaultProgram.Fenced;
            }
            first = process;
            Signal(first, "STOP");
            _process = Launch();
            _watched.Add(WatchAsync(_process, again: true));
        }
        try
        {
            await Task.Delay(pause, cancellation);
        }
        finally
        {
            Signal(first, "CONT");
        }
        await first.WaitForExitAsync(CancellationToken.None).WaitAsync(EndTimeout, cancellation);
        return first.ExitCode;
    }

    /// <summary>Lets the client end in good order and waits until it has.</summary>
    public async Task EndAsync()
    {
        Task[] watched;
        lock (_gate)
        {
            _ending = true;
            _process?.StandardInput.Close();
            watched = [.. _watched];
        }
        await Task.WhenAll(watched).WaitAsync(EndTimeout);
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _ending = true;
        }
        Kill();
        await Task.WhenAll(_watched).WaitAsync(EndTimeout);
    }

    private static void Signal(Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    private Process Launch()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var program = typeof(Program).Assembly.Location;
        foreach (var argument in (string[])["exec", program, Role, bootstrap, .. arguments(_runs++)])
        {
            start.ArgumentList.Add(argument);
        }
        return Process.Start(start)!;
    }

    /// <summary>Reads what a process says to its end, and starts the next one if it was the one that counts.</summary>
    private async Task WatchAsync(Process process, bool again)
    {
        var errors = process.StandardError.ReadToEndAsync();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            evidence.Add(line);
        }
        await process.WaitForExitAsync();
        if (await errors is { Length: > 0 } said)
        {
            evidence.AddError(said.Trim());
        }
        bool counts;
        lock (_gate)
        {
            counts = ReferenceEquals(_process, process);
        }
        if (again && counts)
        {
            Start();
        }
    }
}
