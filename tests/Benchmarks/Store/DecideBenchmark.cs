using EventStream.EventStore;

namespace EventStream.Benchmarks.Store;

/// <summary>
/// Decide and append over streams of twenty events and more, one caller and eight: what a command costs, beside the
/// same by hand, which reads and parses the stream, decides, and appends in one round trip.
/// </summary>
internal static class DecideBenchmark
{
    private const int Decisions = 600;
    private const int Length = 20;

    /// <summary>
    /// A video makes about 25 appends: 100,000 uploads a day are 29 a second, and twice their tenfold burst is this.
    /// </summary>
    private const string Least = ">= 600/s";

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        await using var postgres = await BenchPostgres.StartAsync();
        await using var store = await StoreBench.OpenAsync(postgres.Options);
        var raw = new RawStore(store.Source);
        await raw.CreateAsync();
        return
        [
            .. await MeasureAsync(postgres, store, raw, callers: 1),
            .. await MeasureAsync(postgres, store, raw, callers: 8),
        ];
    }

    private static async Task<IReadOnlyList<Figure>> MeasureAsync(
        BenchPostgres postgres,
        StoreBench store,
        RawStore raw,
        int callers
    )
    {
        async Task DecideAsync(Guid id, long version) =>
            await store.Decider.DecideAsync(
                id,
                state => state.Count == version ? Samples.Events(1) : [],
                EventMetadata.None,
                CancellationToken.None
            );
        async Task DecideByHandAsync(Guid id, long version)
        {
            if ((await raw.LoadAsync(id)).Count == version)
                await raw.AppendAsync(id, version, [Samples.Event()]);
        }

        var cost = await Measure.CostsAsync(
            Measure.Many,
            Decisions,
            postgres.CpuSeconds,
            () => ManyAsync(callers, id => store.StartAsync(id, Samples.Events(Length)), DecideAsync),
            () => ManyAsync(callers, id => raw.AppendAsync(id, 0, [.. Samples.Events(Length)]), DecideByHandAsync)
        );
        var name = $"load {Length}, decide, append, {callers} callers";
        return
        [
            Figure.AgainstLimit(name, "decisions/s", cost[0].Rate, cost[1].Rate, callers > 1 ? Least : ""),
            Figure.AgainstLimit($"{name}, CPU", "CPU-s/M", cost[0].CpuPerMillion, cost[1].CpuPerMillion, ""),
        ];
    }

    /// <summary>Starts streams and decides on each as often as it was long; each caller has its own.</summary>
    private static Task ManyAsync(int callers, Func<Guid, Task> start, Func<Guid, long, Task> decide) =>
        Task.WhenAll(
            Enumerable
                .Range(0, callers)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        for (var i = 0; i < Decisions / callers; )
                        {
                            var id = Guid.CreateVersion7();
                            await start(id);
                            for (var n = 0; n < Length && i < Decisions / callers; n++, i++)
                                await decide(id, Length + n);
                        }
                    })
                )
        );
}
