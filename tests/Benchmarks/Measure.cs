using System.Diagnostics;

namespace EventStream.Benchmarks;

/// <summary>
/// Rates as medians of a few short runs, the contestants taking turns so that a busy machine is busy for both.
/// </summary>
public static class Measure
{
    /// <summary>Rounds of what takes seconds.</summary>
    public const int Few = 3;

    /// <summary>
    /// Rounds of what takes less than a second and waits for a disk and for other processes: so many that their median
    /// stays where it is when a neighbour of the machine is busy for some of them.
    /// </summary>
    public const int Many = 15;

    /// <summary>Median operations a second of each contestant. The first round of each only warms up.</summary>
    public static Task<double[]> RatesAsync(int operations, params Func<Task>[] contestants) =>
        RatesAsync(Few, operations, contestants);

    /// <summary>The same over a number of rounds; in every other one the last contestant comes first.</summary>
    public static async Task<double[]> RatesAsync(int rounds, int operations, params Func<Task>[] contestants)
    {
        var rates = contestants.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round <= rounds; round++)
        {
            for (var turn = 0; turn < contestants.Length; turn++)
            {
                var i = round % 2 == 0 ? turn : contestants.Length - 1 - turn;
                var clock = Stopwatch.StartNew();
                await contestants[i]();
                if (round > 0)
                    rates[i].Add(operations / clock.Elapsed.TotalSeconds);
            }
        }

        return [.. rates.Select(Median)];
    }

    /// <summary>
    /// The same with the CPU seconds that a million operations cost, by a counter of what all parts have used.
    /// </summary>
    public static async Task<(double Rate, double CpuPerMillion)[]> CostsAsync(
        int rounds,
        int operations,
        Func<double> cpuSeconds,
        params Func<Task>[] contestants
    )
    {
        var costs = contestants.Select(_ => new List<double>()).ToArray();
        var before = 0d;
        var turns = contestants.Select(
            (run, i) =>
                (Func<Task>)(
                    async () =>
                    {
                        before = cpuSeconds();
                        await run();
                        costs[i].Add((cpuSeconds() - before) / operations * 1e6);
                    }
                )
        );
        var rates = await RatesAsync(rounds, operations, [.. turns]);
        return [.. rates.Zip(costs, (rate, cost) => (rate, Median(cost.Skip(1))))];
    }

    private static double Median(IEnumerable<double> values) =>
        values.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;
}
