using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using EventStream.Tests.Kit;

namespace EventStream.Benchmarks;

/// <summary>
/// A broker in a process of its own, so that its processor time and memory can be told from those of its clients.
/// </summary>
internal abstract class BrokerServer(string name) : IAsyncDisposable
{
    private const int ClockTicksPerSecond = 100;
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan DeletePause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ProbePause = TimeSpan.FromMilliseconds(2);

    public string Name { get; } = name;

    public int Port { get; } = FreePort.Next();

    public string Bootstrap => $"127.0.0.1:{Port}";

    protected string Folder { get; } = Directory.CreateTempSubdirectory("eventstream-bench-").FullName;

    protected abstract int ProcessId { get; }

    /// <summary>Starts the process and returns how many seconds it took to answer its first request.</summary>
    public async Task<double> StartAsync()
    {
        var clock = Stopwatch.StartNew();
        await LaunchAsync();
        while (!await AnswersAsync())
        {
            if (clock.Elapsed > StartTimeout)
                throw new TimeoutException($"{Name} did not answer on {Bootstrap}.");
            await Task.Delay(ProbePause);
        }

        return clock.Elapsed.TotalSeconds;
    }

    public abstract Task StopAsync();

    /// <summary>The processor time that the process has used so far, in seconds: user and system.</summary>
    public double CpuSeconds()
    {
        var stat = File.ReadAllText($"/proc/{ProcessId}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (Number(fields[11]) + Number(fields[12])) / ClockTicksPerSecond;
    }

    /// <summary>The memory of the process that is resident now, in MB.</summary>
    public double ResidentMegabytes() =>
        Number(
            File.ReadLines($"/proc/{ProcessId}/status")
                .Single(line => line.StartsWith("VmRSS", StringComparison.Ordinal))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]
        ) / 1024;

    /// <summary>Waits until the files of a topic that was deleted are gone.</summary>
    public async Task WaitUntilDeletedAsync(string topic)
    {
        var clock = Stopwatch.StartNew();
        while (
            Directory.EnumerateDirectories(Folder, $"{topic}-*", SearchOption.AllDirectories).Any()
            || Directory.EnumerateFiles(Folder, "*.deleted", SearchOption.AllDirectories).Any()
        )
        {
            if (clock.Elapsed > StartTimeout)
                throw new TimeoutException($"{Name} does not delete {topic}.");
            await Task.Delay(DeletePause);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(Folder, recursive: true);
    }

    protected abstract Task LaunchAsync();

    private static double Number(string digits) => double.Parse(digits, CultureInfo.InvariantCulture);

    /// <summary>Asks for ApiVersions in version 0, as every client does first.</summary>
    private async Task<bool> AnswersAsync()
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, Port);
            byte[] request = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
            await client.GetStream().WriteAsync(request);
            var answer = new byte[10];
            await client.GetStream().ReadExactlyAsync(answer);
            return BinaryPrimitives.ReadInt16BigEndian(answer.AsSpan(8)) == 0;
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
    }
}

/// <summary>The platform's broker: <c>eventstream run broker</c>.</summary>
internal sealed class OwnServer() : BrokerServer("EventStream")
{
    private Process? process;

    protected override int ProcessId => process!.Id;

    public override async Task StopAsync()
    {
        if (process is null)
            return;
        using var term = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    protected override Task LaunchAsync()
    {
        var start = new ProcessStartInfo(EventStreamProcess.Program, ["run", "broker"])
        {
            Environment =
            {
                ["EVENTSTREAM__BROKER__DATAFOLDER"] = Path.Combine(Folder, "data"),
                ["EVENTSTREAM__BROKER__PORT"] = $"{Port}",
                ["EVENTSTREAM__LISTEN__BROKER"] = "http://127.0.0.1:0",
            },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return Task.CompletedTask;
    }
}

/// <summary>The Apache Kafka beside the checkout, as its README starts it.</summary>
internal sealed class ApacheServer() : BrokerServer("Apache Kafka")
{
    private bool runs;

    /// <summary>The command that starts it; null where there is none, or no java to run it.</summary>
    public static string? Command { get; } = Find();

    protected override int ProcessId =>
        int.Parse(File.ReadAllText(Path.Combine(Folder, "pid")), CultureInfo.InvariantCulture);

    public override async Task StopAsync()
    {
        if (!runs)
            return;
        runs = false;
        await RunAsync("stop");
    }

    protected override Task LaunchAsync()
    {
        runs = true;
        // By default it keeps the files of a deleted topic for a minute.
        return RunAsync("start", "--port", $"{Port}", "--conf", "log.segment.delete.delay.ms=100");
    }

    private static string? Find()
    {
        var hasJava = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, "java")));
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var command = Path.Combine(folder.FullName, "shared", "kafka", "kafka");
            if (hasJava && File.Exists(command))
                return command;
        }

        return null;
    }

    /// <summary>The server inherits its output, which goes to a file so that it holds no pipe of ours open.</summary>
    private async Task RunAsync(string verb, params string[] more)
    {
        var start = new ProcessStartInfo("sh")
        {
            ArgumentList = { "-c", "exec \"$0\" \"$@\" >>\"$OUT\" 2>&1 </dev/null", Command!, verb, "--dir", Folder },
            Environment = { ["OUT"] = Path.Combine(Folder, "command.out") },
        };
        foreach (var argument in more)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(await File.ReadAllTextAsync(Path.Combine(Folder, "command.out")));
        }
    }
}
