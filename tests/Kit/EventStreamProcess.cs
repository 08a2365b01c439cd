using System.Collections.Concurrent;
using System.Diagnostics;

namespace EventStream.Tests.Kit;

/// <summary>
/// A role in a process of its own, as a machine runs it: <c>eventstream run ROLE</c> on a free port. It ends with the
/// test, and with the test process where that is killed. It knows the keys of <see cref="TestKeys"/>.
/// </summary>
public sealed class EventStreamProcess : IAsyncDisposable
{
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(90);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    private readonly Process process;
    private readonly ConcurrentQueue<string> output = new();

    private EventStreamProcess(Process process, string url)
    {
        this.process = process;
        Url = url;
        process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The command of the checkout.</summary>
    public static string Program => Path.Combine(Checkout.Root, "artifacts", "bin", "eventstream");

    /// <summary>The address of the role, without a trailing slash.</summary>
    public string Url { get; }

    public int Id => process.Id;

    public int ExitCode => process.ExitCode;

    /// <summary>What it wrote so far, both streams.</summary>
    public string Output => string.Join('\n', output);

    /// <summary>The last lines of it, for the message of a failed test.</summary>
    public string OutputEnd => string.Join('\n', output.TakeLast(30));

    /// <summary>
    /// Starts a role and returns when it is ready. Settings are <c>Section:Key</c>; the port is free unless they name
    /// one.
    /// </summary>
    public static async Task<EventStreamProcess> StartAsync(string role, params (string Key, string Value)[] settings)
    {
        var started = Launch(role, settings);
        await started.UntilReadyAsync();
        return started;
    }

    /// <summary>Starts a role without waiting for it, for a test of what it says when it cannot run.</summary>
    public static EventStreamProcess Launch(string role, params (string Key, string Value)[] settings) =>
        Launch(role, [], settings);

    /// <summary>The same with arguments after the role.</summary>
    public static EventStreamProcess Launch(
        string role,
        IReadOnlyList<string> arguments,
        (string Key, string Value)[] settings
    )
    {
        var url =
            settings.FirstOrDefault(setting => setting.Key == $"Listen:{role}").Value
            ?? $"http://127.0.0.1:{FreePort.Next()}";
        var start = new ProcessStartInfo(Program)
        {
            ArgumentList = { "run", role },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Checkout.Root,
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment[$"EVENTSTREAM__LISTEN__{role.ToUpperInvariant()}"] = url;
        foreach (var (key, value) in TestKeys.Settings.Concat(settings))
            start.Environment["EVENTSTREAM__" + key.Replace(":", "__").ToUpperInvariant()] = value;
        var started = Process.Start(start)!;
        EndWithThisProcess(started.Id);
        return new EventStreamProcess(started, url);
    }

    /// <summary>
    /// Waits for <c>/health/ready</c>; fails with what the role wrote when it ends or takes too long.
    /// </summary>
    public async Task UntilReadyAsync()
    {
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed < ReadyTimeout && !process.HasExited)
        {
            try
            {
                using var response = await Http.GetAsync(new Uri(Url + "/health/ready"));
                if (response.IsSuccessStatusCode)
                    return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // It does not listen yet.
            }

            await Task.Delay(100);
        }

        var ended = process.HasExited;
        await DisposeAsync();
        Assert.Fail($"The role {(ended ? $"ended with {process.ExitCode}" : "was not ready in time")}:\n{OutputEnd}");
    }

    /// <summary>Returns when it has ended by itself, with all of its output.</summary>
    public Task UntilExitAsync() => process.WaitForExitAsync().WaitAsync(ReadyTimeout);

    /// <summary>kill -9, and nothing else.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, then waits for the end; returns the exit code.</summary>
    public async Task<int> StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            await KillAsync();
    }

    /// <summary>A small shell waits for this process to end and kills the one that it left behind.</summary>
    internal static void EndWithThisProcess(int child)
    {
        using var watch = Process.Start(
            new ProcessStartInfo("setsid")
            {
                ArgumentList =
                {
                    "sh",
                    "-c",
                    """
                    exec > /dev/null 2>&1 < /dev/null
                    while kill -0 "$1"; do kill -0 "$2" || exit; sleep 1; done
                    kill -9 "$2"
                    """,
                    "watch",
                    $"{Environment.ProcessId}",
                    $"{child}",
                },
            }
        )!;
    }
}
