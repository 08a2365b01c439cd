using System.Diagnostics;

namespace EventStream.Benchmarks;

/// <summary>
/// Rates as medians of a few short runs, the contestants taking turns so that a busy machine is busy for both.
/// </summary>
public static class Measure
{
    private const int Rounds = 3;

    /// <summary>Median operations a second of each contestant. The first round of each only warms up.</summary>
    public static async Task<double[]> RatesAsync(int operations, params Func<Task>[] contestants)
    {
        var rates = contestants.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round <= Rounds; round++)
        {
            for (var i = 0; i < contestants.Length; i++)
            {
                var clock = Stopwatch.StartNew();
                await contestants[i]();
                if (round > 0) rates[i].Add(operations / clock.Elapsed.TotalSeconds);
            }
        }

        return [.. rates.Select(Median)];
    }

    /// <summary>
    /// The same with the CPU seconds that a million operations cost, by a counter of what all parts have used.
    /// </summary>
    public static async Task<(double Rate, double CpuPerMillion)[]> CostsAsync(
        int operations, Func<double> cpuSeconds, params Func<Task>[] contestants)
    {
        var costs = contestants.Select(_ => new List<double>()).ToArray();
        var before = 0d;
        var turns = contestants.Select((run, i) => (Func<Task>)(async () =>
        {
            before = cpuSeconds();
            await run();
            costs[i].Add((cpuSeconds() - before) / operations * 1e6);
        }));
        var rates = await RatesAsync(operations, [.. turns]);
        return [.. rates.Zip(costs, (rate, cost) => (rate, Median(cost.Skip(1))))];
    }

    private static double Median(IEnumerable<double> values) =>
        values.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;
}
