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

        var rates = await Measure.RatesAsync(
            Measure.Many, Decisions, () => ManyAsync(callers, StartAsync, DecideAsync),
            () => ManyAsync(callers, StartRawAsync, InsertAsync),
            () => ManyAsync(callers, StartRawAsync, LoadAndInsertAsync));
        Figure Beside(string what, double ours, double limit, string aim) =>
            Figure.AgainstLimit($"{what}, {callers} callers", "decisions/s", ours, limit, aim);
        return keeps
            ? [Beside($"load {Length} once, decide and append", rates[0], rates[1], ">= 0.7")]
            :
            [
                Beside($"load {Length}, decide, append", rates[0], rates[2], ">= 0.7"),
                Beside($"load {Length} and append by hand, beside the append alone", rates[2], rates[1], ""),
            ];
    }

    private static Task ManyAsync(int callers, Func<string, Task> start, Func<string, long, Task> decide) =>
        Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < Decisions / callers;)
            {
                var id = Guid.CreateVersion7().ToString();
                await start(id);
                for (var n = 0; n < Length && i < Decisions / callers; n++, i++) await decide(id, Length + n);
            }
        })));
}
