using EventStream.EventStore;

namespace EventStream.Benchmarks.EventStore;

/// <summary>
/// Decide and append, over streams of twenty events and more. With the states kept that decisions led to, as a
/// repository does, beside an optimistic append by hand that reads nothing; with every state read and folded, beside
/// the same reading and appending by hand. What that has left of the append by hand alone is the most that anybody who
/// reads first can reach.
/// </summary>
internal static class DecideBenchmark
{
    private const int Decisions = 600;
    private const int Length = 20;

    /// <summary>
    /// A third of what Marten 9.29 takes to fetch for writing and append with eight sessions on a machine of this kind,
    /// client and server together: 2322 CPU seconds a million.
    /// </summary>
    private const string ThirdOfMarten = "<= 774 CPU-s/M";

    private static readonly Aggregate<int> Counter = new("decide", 0, (count, _) => count + 1);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        await using var bench = await BenchStore.StartAsync();
        return
        [
            .. await MeasureAsync(bench, 1, keeps: true), .. await MeasureAsync(bench, 8, keeps: true),
            .. await MeasureAsync(bench, 1, keeps: false), .. await MeasureAsync(bench, 8, keeps: false),
        ];
    }

    private static async Task<IReadOnlyList<Figure>> MeasureAsync(BenchStore bench, int callers, bool keeps)
    {
        var repository = new Repository<int>(
            bench.Store, Counter, keeps ? Repository<int>.StatesMax : 0, TimeProvider.System);
        async Task DecideAsync(string id, long version)
        {
            await repository.DecideAsync(
                id, state => state == version ? Samples.Events(1).Select(e => e.Data) : [], EventMetadata.None,
                CancellationToken.None);
        }

        Task InsertAsync(string id, long version) => bench.InsertAsync($"decide-{id}", version, Samples.Events(1));
        async Task LoadAndInsertAsync(string id, long version)
        {
            if (await ReadBenchmark.RawLoadAsync(bench, $"decide-{id}") == version) await InsertAsync(id, version);
        }

        async Task StartAsync(string id) => await bench.Store.AppendAsync(
            $"decide-{id}", ExpectedVersion.NoStream, Samples.Events(Length), EventMetadata.None,
            CancellationToken.None);
        async Task StartRawAsync(string id) => await bench.InsertAsync($"decide-{id}", 0, Samples.Events(Length));

        var cost = await Measure.CostsAsync(
            Measure.Many, Decisions, bench.CpuSeconds, () => ManyAsync(callers, Decisions, StartAsync, DecideAsync),
            () => ManyAsync(callers, Decisions, StartRawAsync, InsertAsync),
            () => ManyAsync(callers, Decisions, StartRawAsync, LoadAndInsertAsync));
        IEnumerable<Figure> Beside(string what, int ours, int limit, string aim)
        {
            var name = $"{what}, {callers} callers";
            yield return Figure.AgainstLimit(name, "decisions/s", cost[ours].Rate, cost[limit].Rate, aim);
            yield return Figure.AgainstLimit(
                $"{name}, CPU", "CPU-s/M", cost[ours].CpuPerMillion, cost[limit].CpuPerMillion,
                ours == 0 && callers > 1 ? ThirdOfMarten : "");
        }

        return keeps
            ? [.. Beside($"load {Length} once, decide and append", 0, 1, ">= 0.7")]
            :
            [
                .. Beside($"load {Length}, decide, append", 0, 2, ">= 0.7"),
                .. Beside($"load {Length} and append by hand, beside the append alone", 2, 1, ""),
            ];
    }

    /// <summary>Starts streams and decides on each as often as it was long; each caller has its own.</summary>
    public static Task ManyAsync(
        int callers, int decisions, Func<string, Task> start, Func<string, long, Task> decide) =>
        Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < decisions / callers;)
            {
                var id = Guid.CreateVersion7().ToString();
                await start(id);
                for (var n = 0; n < Length && i < decisions / callers; n++, i++) await decide(id, Length + n);
            }
        })));
}
