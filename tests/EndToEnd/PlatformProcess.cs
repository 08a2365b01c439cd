using System.Diagnostics;
using System.Globalization;
using EventStream.Cli;
using EventStream.Cli.Supervisor;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests;

/// <summary>
/// The whole platform as a user starts it, <c>eventstream up</c> without settings but those that a test gives, on free
/// ports and in a data folder of its own. It ends with the test, and with the test process where that is killed.
/// </summary>
public sealed class PlatformProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(90);

    private const string SettingPrefix = "EVENTSTREAM__";
    private readonly ProcessStartInfo command;
    private readonly List<string> output = [];
    private Process? process;

    private PlatformProcess(DataFolder data, PortPlan ports, ProcessStartInfo command) =>
        (Data, Ports, this.command) = (data, ports, command);

    public int Id => process!.Id;

    public DataFolder Data { get; }

    public PortPlan Ports { get; }

    /// <summary>Bootstrap address of its broker.</summary>
    public string Kafka => RunFile.Read(Data)!.Kafka;

    /// <summary>What it wrote so far.</summary>
    public string Output
    {
        get
        {
            lock (output)
                return string.Join('\n', output);
        }
    }

    /// <summary>Starts it with no settings at all and returns when it is ready.</summary>
    public static Task<PlatformProcess> StartAsync(params string[] arguments) => StartAsync(null, [], arguments);

    /// <summary>
    /// Starts it and returns when it is ready. <paramref name="prepare"/> sees the data folder before;
    /// <paramref name="settings"/> are <c>Section:Key</c>.
    /// </summary>
    public static Task<PlatformProcess> StartAsync(
        Func<DataFolder, Task>? prepare,
        (string Key, string Value)[] settings,
        params string[] arguments
    ) => StartProgramAsync(EventStreamProcess.Program, prepare, settings, arguments);

    /// <summary>The same with the command at another place.</summary>
    public static async Task<PlatformProcess> StartProgramAsync(
        string program,
        Func<DataFolder, Task>? prepare,
        (string Key, string Value)[] settings,
        params string[] arguments
    )
    {
        foreach (string name in Environment.GetEnvironmentVariables().Keys)
            Assert.False(name.StartsWith(SettingPrefix, StringComparison.Ordinal), $"{name} is set; unset it.");
        var data = new DataFolder(Path.Combine(Path.GetTempPath(), $"eventstream-up-{Guid.NewGuid():N}"));
        data.Create();
        if (prepare is not null)
            await prepare(data);
        var ports = new PortPlan(FreeBase());
        var info = new ProcessStartInfo(
            program,
            ["up", "--data", data.Root, "--base-port", ports.Base.ToString(CultureInfo.InvariantCulture), .. arguments]
        )
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (key, value) in settings)
            info.Environment[SettingPrefix + key.Replace(":", "__").ToUpperInvariant()] = value;
        var platform = new PlatformProcess(data, ports, info);
        await platform.StartProcessAsync();
        return platform;
    }

    /// <summary>Stops it as Ctrl-C does and starts it again on the same data; returns when it is ready.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await StartProcessAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (Directory.Exists(Data.Root))
            Directory.Delete(Data.Root, recursive: true);
    }

    private async Task StartProcessAsync()
    {
        var started = Process.Start(command)!;
        process = started;
        EventStreamProcess.EndWithThisProcess(started.Id);
        started.OutputDataReceived += (_, line) => Keep(line.Data);
        started.ErrorDataReceived += (_, line) => Keep(line.Data);
        started.BeginOutputReadLine();
        started.BeginErrorReadLine();
        try
        {
            await Wait.UntilAsync(
                "the platform is up",
                () =>
                    started.HasExited
                        ? throw new InvalidOperationException(Output)
                        : RunFile.Read(Data) is { Ready: true },
                StartTimeout
            );
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private async Task StopAsync()
    {
        if (process is not { } running)
            return;
        process = null;
        if (!running.HasExited)
        {
            using var stop = Process.Start("kill", ["-TERM", $"{running.Id}"]);
            await running.WaitForExitAsync().WaitAsync(StopTimeout);
        }

        running.Dispose();
    }

    /// <summary>A base from which every port of the plan is free now.</summary>
    private static int FreeBase()
    {
        for (var attempt = 0; attempt < 50; attempt++)
        {
            var candidate = 10_000 + (Random.Shared.Next(200) * 100);
            try
            {
                new PortPlan(candidate).CheckFree(ownBroker: true, edges: 2);
                return candidate;
            }
            catch (CommandException)
            {
                // Another platform stands there.
            }
        }

        throw new InvalidOperationException("No free block of ports was found.");
    }

    private void Keep(string? line)
    {
        lock (output)
            output.Add(line ?? "");
    }
}
