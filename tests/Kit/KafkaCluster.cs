using System.Diagnostics;

namespace EventStream.Tests.Kit;

/// <summary>
/// Three brokers of the real Apache Kafka beside the checkout, replication 3 and two in sync. It ends with the test,
/// and with the test process where that is killed.
/// </summary>
public sealed class KafkaCluster : IAsyncLifetime
{
    private const int Nodes = 3;
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(180);

    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-cluster-").FullName;

    /// <summary>The addresses of all brokers for <c>bootstrap.servers</c>.</summary>
    public string Bootstrap { get; private set; } = "";

    public async Task InitializeAsync()
    {
        // Without Apache Kafka the tests are skipped, and the fixture is made all the same.
        if (ApacheKafka.Missing is not null)
            return;
        ApacheKafka.EndWithThisProcess(folder);
        var ports = new List<int>();
        while (ports.Count < Nodes)
        {
            var port = ApacheKafka.FreePair();
            if (ports.TrueForAll(other => Math.Abs(other - port) > 1))
                ports.Add(port);
        }

        await RunAsync("cluster", "--dir", folder, "--ports", string.Join(',', ports), "--heap", "400m");
        Bootstrap = string.Join(',', ports.Select(port => $"127.0.0.1:{port}"));
    }

    /// <summary>kill -9 of one broker, counted from 1.</summary>
    public Task KillAsync(int broker) => RunAsync("stop", "--dir", Path.Combine(folder, $"{broker}"), "--kill");

    /// <summary>Starts a killed broker again.</summary>
    public Task AgainAsync(int broker) =>
        RunAsync("again", "--dir", Path.Combine(folder, $"{broker}"), "--heap", "400m");

    public async Task DisposeAsync()
    {
        if (Bootstrap.Length > 0)
            await RunAsync("stop-cluster", "--dir", folder, "--kill");
        Directory.Delete(folder, recursive: true);
    }

    private async Task RunAsync(params string[] arguments)
    {
        // Its output goes to a file, so that a server, which inherits it, holds no pipe of ours open.
        var log = folder + ".out";
        var start = new ProcessStartInfo("sh")
        {
            ArgumentList = { "-c", "exec \"$0\" \"$@\" >>\"$KAFKA_OUT\" 2>&1 </dev/null", ApacheKafka.Command },
            Environment = { ["KAFKA_OUT"] = log },
        };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var running = Process.Start(start)!;
        await running.WaitForExitAsync().WaitAsync(StartTimeout);
        var said = await File.ReadAllTextAsync(log);
        File.Delete(log);
        Assert.True(running.ExitCode == 0, $"kafka {string.Join(' ', arguments)}:\n{said}");
    }
}
