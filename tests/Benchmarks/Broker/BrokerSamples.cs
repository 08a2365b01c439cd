using System.Diagnostics;

namespace EventStream.Benchmarks;

/// <summary>
/// What the rounds of one contestant took: records a second, and the processor time of the broker and of the client
/// for a million records. The first round only warms up.
/// </summary>
internal sealed class BrokerSamples(BrokerServer? server, int records)
{
    private readonly List<double> rates = [];
    private readonly List<double> broker = [];
    private readonly List<double> client = [];

    public double Rate => Median(rates);

    public double BrokerCpu => Median(broker);

    public double ClientCpu => Median(client);

    public async Task TakeAsync(Func<Task> run)
    {
        await WriteBackAsync();
        var before = server?.CpuSeconds() ?? 0;
        var (clientBefore, clock) = (Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
        await run();
        rates.Add(records / clock.Elapsed.TotalSeconds);
        client.Add((Environment.CpuUsage.TotalTime - clientBefore).TotalSeconds * 1_000_000 / records);
        broker.Add(((server?.CpuSeconds() ?? 0) - before) * 1_000_000 / records);
    }

    /// <summary>The value below which a share of all lies.</summary>
    public static double Quantile(IReadOnlyCollection<double> values, double share) =>
        values.Order().ElementAt((int)Math.Min(values.Count - 1, values.Count * share));

    private static double Median(List<double> values) => Quantile(values[1..], 0.5);

    /// <summary>
    /// What one contestant has left in the page cache would be written while the next one is measured.
    /// </summary>
    private static async Task WriteBackAsync()
    {
        using var sync = Process.Start("sync");
        await sync.WaitForExitAsync();
    }
}
