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

        return [.. rates.Select(list => list.Order().ElementAt(list.Count / 2))];
    }
}
