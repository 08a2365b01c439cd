using System.Diagnostics;
using System.Globalization;
using EventStream.Processes.Postgres;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>Ends a private PostgreSQL as a power cut does, and starts it on the same files.</summary>
internal static class PostgresKill
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// kill -9 of the server and of every process of it; returns once it has recovered and answers.
    /// </summary>
    public static async Task<PostgresCluster> KillAndStartAsync(
        string folder,
        int port,
        PostgresClusterOptions? options = null
    )
    {
        var postmaster = int.Parse(
            File.ReadLines(Path.Combine(folder, "data", "postmaster.pid")).First(),
            CultureInfo.InvariantCulture
        );
        var all = Children(postmaster).Prepend(postmaster).ToList();
        foreach (var id in all)
            Kill(id);
        await Wait.UntilAsync("the killed PostgreSQL is gone", () => all.All(id => !Directory.Exists($"/proc/{id}")));
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return await PostgresCluster.StartAsync(folder, port, CancellationToken.None, options);
            }
            catch (PostgresClusterException) when (waited.Elapsed < Patience)
            {
                // The kernel has not given back port or shared memory yet.
                await Task.Delay(100);
            }
        }
    }

    private static IEnumerable<int> Children(int parent)
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(folder), out var id) && ParentOf(id) == parent)
                yield return id;
    }

    private static int ParentOf(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            return int.Parse(text[(text.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static void Kill(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            process.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }
}
