using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace EventStream.Tests.Kit;

/// <summary>
/// The real Apache Kafka beside the checkout (<c>../shared/kafka</c>): one node for all tests of this process, started
/// when the first one asks and ended with the process, even when that is killed. Each test takes topics, groups and
/// transactional ids of its own.
/// </summary>
public static class ApacheKafka
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(120);

    /// <summary>Upkeep that comes at once, so that no test waits for minutes until it sees what is left.</summary>
    private static readonly string[] Hurried =
    [
        "log.initial.task.delay.ms=200",
        "log.retention.check.interval.ms=300",
        "log.cleaner.backoff.ms=200",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms=200",
        "group.min.session.timeout.ms=1000",
    ];

    /// <summary>Starts that are tried, each on other ports.</summary>
    private const int StartsMax = 3;

    private static readonly Lazy<Task<string>> Shared = new(StartAsync);

    /// <summary>Why tests with Apache Kafka cannot run here, or null where they can.</summary>
    public static string? Missing { get; } = WhyMissing();

    /// <summary>The command that starts, stops and carries Kafka's tools.</summary>
    public static string Command => Path.Combine(Path.GetDirectoryName(Checkout.Root)!, "shared", "kafka", "kafka");

    /// <summary>The address of the running node for <c>bootstrap.servers</c>.</summary>
    public static Task<string> BootstrapAsync() => Shared.Value;

    /// <summary>Runs one of Kafka's tools to its end; returns its exit code and both of its streams.</summary>
    public static async Task<(int ExitCode, string Output)> ToolAsync(
        TimeSpan limit,
        string? input,
        params string[] arguments
    )
    {
        // A tool lives for a second or two: its code is compiled quickly rather than well.
        var options =
            Environment.GetEnvironmentVariable("KAFKA_TOOL_OPTS")
            ?? "-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1";
        var (exitCode, output, errors) = await Kit.Command.RunAsync(
            limit,
            Command,
            ["tool", .. arguments],
            input,
            new Dictionary<string, string> { ["KAFKA_TOOL_OPTS"] = options }
        );
        return (exitCode, output + errors);
    }

    private static string? WhyMissing()
    {
        if (!File.Exists(Command))
            return "No Apache Kafka is beside the checkout (../shared/kafka).";
        var java = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, "java")));
        return java ? null : "Apache Kafka needs java: install Debian's openjdk-17-jre-headless.";
    }

    private static async Task<string> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-kafka-").FullName;
        EndWithThisProcess(folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Kill(folder);
        for (var attempt = 1; ; attempt++)
        {
            var data = Path.Combine(folder, $"{attempt}");
            var port = FreePair();
            if (await TryStartAsync(data, port))
                return $"127.0.0.1:{port}";
            if (attempt == StartsMax)
            {
                throw new InvalidOperationException(
                    $"Apache Kafka did not start: {await File.ReadAllTextAsync(data + ".out")}"
                );
            }
        }
    }

    private static async Task<bool> TryStartAsync(string data, int port)
    {
        // Its output goes to a file, so that the server, which inherits it, holds no pipe of ours open.
        var start = new ProcessStartInfo("sh")
        {
            ArgumentList =
            {
                "-c",
                "exec \"$0\" \"$@\" >\"$KAFKA_OUT\" 2>&1 </dev/null",
                Command,
                "start",
                "--dir",
                data,
                "--port",
                $"{port}",
                "--heap",
                "512m",
            },
            Environment = { ["KAFKA_OUT"] = data + ".out" },
        };
        foreach (var setting in Hurried)
        {
            start.ArgumentList.Add("--conf");
            start.ArgumentList.Add(setting);
        }

        using var starting = Process.Start(start)!;
        await starting.WaitForExitAsync().WaitAsync(StartTimeout);
        return starting.ExitCode == 0;
    }

    /// <summary>
    /// A port that is free together with the next one, which is the controller's. It lies below those that the system
    /// gives to outgoing connections, so that none of them takes it before the server does.
    /// </summary>
    internal static int FreePair()
    {
        for (var tries = 0; tries < 1000; tries++)
        {
            var port = Random.Shared.Next(10_000, 30_000);
            try
            {
                using var one = new TcpListener(IPAddress.Loopback, port);
                using var other = new TcpListener(IPAddress.Loopback, port + 1);
                one.Start();
                other.Start();
                return port;
            }
            catch (SocketException)
            {
                // One of the two is taken.
            }
        }

        throw new InvalidOperationException("No two neighbouring ports of 127.0.0.1 are free between 10000 and 30000.");
    }

    private static void Kill(string folder)
    {
        foreach (var data in Directory.GetDirectories(folder))
        {
            using var stop = Process.Start(Command, ["stop", "--dir", data, "--kill"]);
            stop.WaitForExit();
        }

        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A small shell waits for this process to end and kills a server that it left behind.</summary>
    internal static void EndWithThisProcess(string folder)
    {
        const string Script = """
            exec >/dev/null 2>&1 </dev/null
            while kill -0 "$1"; do sleep 1; done
            sleep 2
            [ -d "$2" ] || exit
            for data in "$2"/*/; do "$3" stop --dir "$data" --kill; done
            rm -rf "$2"
            """;
        using var watch = Process.Start(
            "setsid",
            ["sh", "-c", Script, "watch", $"{Environment.ProcessId}", folder, Command]
        );
    }
}

/// <summary>A test on the real Apache Kafka; skipped, saying why, where there is none beside the checkout.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ApacheKafkaFactAttribute : FactAttribute
{
    public ApacheKafkaFactAttribute() => Skip = ApacheKafka.Missing;
}

/// <summary>The same for a test with data.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ApacheKafkaTheoryAttribute : TheoryAttribute
{
    public ApacheKafkaTheoryAttribute() => Skip = ApacheKafka.Missing;
}
