using System.Diagnostics;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.Processes.Postgres;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests;

/// <summary>
/// One private PostgreSQL for all tests of this process, started when the first one asks and stopped when the process
/// ends, even when it is killed. Each test class takes a schema of its own.
/// </summary>
public static class PostgresFixture
{
    private const string MasterSecret = "of tests: it protects nobody, nowhere";

    /// <summary>A file with the master key of the tests, for roles that read <c>Postgres:MasterKeyFile</c>.</summary>
    public static readonly Lazy<string> MasterKeyFile = new(WriteMasterKey);

    private static readonly Lazy<Task<PostgresCluster>> Shared = new(StartAsync);

    /// <summary>The cluster, for tests that need its connection string.</summary>
    public static Task<PostgresCluster> ClusterAsync() => Shared.Value;

    /// <summary>
    /// Options for a schema of a name that no other test has; the schema is empty until something migrates it.
    /// </summary>
    public static async Task<PostgresOptions> OptionsAsync(string name)
    {
        var cluster = await Shared.Value;
        return new PostgresOptions
        {
            ConnectionString = cluster.ConnectionString,
            MasterKey = MasterKey.Of(MasterSecret),
            Schema = $"{name.ToLowerInvariant()}_{Guid.NewGuid():N}"[..Math.Min(50, name.Length + 33)],
        };
    }

    private static string WriteMasterKey()
    {
        var file = Path.Combine(Path.GetTempPath(), $"eventstream-master-key-{Environment.ProcessId}");
        File.WriteAllText(file, MasterSecret);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(file);
        return file;
    }

    private static async Task<PostgresCluster> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-pg-").FullName;
        var cluster = await PostgresCluster.StartAsync(
            folder,
            FreePort.Next(),
            CancellationToken.None,
            new PostgresClusterOptions { Durable = false, ConnectionsMax = 200 }
        );
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            cluster.Kill();
            Directory.Delete(folder, recursive: true);
        };
        StopWhenThisProcessIsKilled(folder);
        return cluster;
    }

    /// <summary>A small shell waits for this process to end and stops a server that it left behind.</summary>
    private static void StopWhenThisProcessIsKilled(string folder)
    {
        const string Script = """
            exec > /dev/null 2>&1
            tail --pid="$1" -f /dev/null
            sleep 2
            pid=$(head -n 1 "$2/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" && sleep 2
            rm -rf "$2"
            """;
        var start = new ProcessStartInfo("setsid")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "sh", "-c", Script, "watch", $"{Environment.ProcessId}", folder },
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
    }
}
