using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EventStream.Console.Supervisor;

namespace EventStream.Tests.Kit;

/// <summary>
/// <c>eventstream up</c> as a user types it: no settings of ours, a data folder and a base port of its own. It ends
/// with the test, and with the test process where that is killed.
/// </summary>
public sealed class PlainUp : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(60);
    private readonly ConcurrentQueue<string> output = new();
    private readonly Process process;

    private PlainUp(DataFolder data, PortPlan ports, Process process)
    {
        (Data, Ports, this.process) = (data, ports, process);
        process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Everything that the platform keeps; removed at the end.</summary>
    public DataFolder Data { get; }

    /// <summary>The ports of the platform.</summary>
    public PortPlan Ports { get; }

    /// <summary>Process id of the supervisor.</summary>
    public int ProcessId => process.Id;

    /// <summary>What the supervisor printed so far.</summary>
    public string Output => string.Join('\n', output);

    /// <summary>Starts a platform and returns when it says that it is up.</summary>
    public static Task<PlainUp> StartAsync(params string[] arguments) => StartAsync([], arguments);

    /// <summary>The same with settings of the test, <c>Section:Key</c>.</summary>
    public static async Task<PlainUp> StartAsync((string Key, string Value)[] settings, params string[] arguments)
    {
        var data = new DataFolder(Path.Combine(Path.GetTempPath(), $"eventstream-up-{Guid.NewGuid():N}"));
        var ports = FreePorts();
        var start = new ProcessStartInfo(Path.Combine(Checkout.Root, "artifacts", "bin", "eventstream"))
        {
            ArgumentList =
            {
                "up", "--data", data.Root, "--base-port", ports.Base.ToString(CultureInfo.InvariantCulture),
            },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Checkout.Root,
        };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var (key, value) in settings)
            start.Environment["EVENTSTREAM__" + key.Replace(":", "__").ToUpperInvariant()] = value;
        var platform = new PlainUp(data, ports, Process.Start(start)!);
        EventStreamProcess.EndWithThisProcess(platform.ProcessId);
        await platform.UntilUpAsync();
        return platform;
    }

    /// <summary>Stops the platform as Ctrl-C does, and removes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            await process.WaitForExitAsync().WaitAsync(StopTimeout);
        }

        process.Dispose();
        Directory.Delete(Data.Root, recursive: true);
    }

    /// <summary>A base from which every port of the plan is free now.</summary>
    public static PortPlan FreePorts()
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            using var probe = new TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            var ports = new PortPlan(10_000 + (((IPEndPoint)probe.LocalEndpoint).Port % 150 * 100));
            try
            {
                ports.CheckFree(ownBroker: true, edges: 2);
                return ports;
            }
            catch (EventStream.Console.CommandException)
            {
                // Another platform stands there.
            }
        }

        throw new InvalidOperationException("No free block of ports was found.");
    }

    private async Task UntilUpAsync()
    {
        var waited = Stopwatch.StartNew();
        while (RunFile.Read(Data) is not { Ready: true })
        {
            if (process.HasExited) throw new InvalidOperationException($"`up` ended:\n{Output}");
            if (waited.Elapsed > StartTimeout)
            {
                await DisposeAsync();
                throw new TimeoutException($"`up` was not ready in {StartTimeout}:\n{Output}");
            }

            await Task.Delay(100);
        }
    }
}
