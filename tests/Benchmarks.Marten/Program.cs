using EventStream.Benchmarks;
using EventStream.Benchmarks.EventStore;
using EventStream.Benchmarks.Marten;
using EventStream.EventStore;

const int Appends = 1200, Decisions = 600, Length = 20, Streams = 20, Short = 100;
const string Peer = "Marten";
await using var bench = await BenchStore.StartAsync();
using var marten = new MartenStore(bench);
await marten.CreateAsync();
var counter = new Aggregate<int>("decide", 0, (count, _) => count + 1);
var figures = new List<Figure>();
foreach (var (callers, events, existing) in ((int, int, bool)[])
    [(1, 1, false), (1, 1, true), (8, 1, false), (8, 1, true), (8, 10, false), (8, 10, true)])
{
    await AppendAsync(callers, events, existing);
}

foreach (var (callers, states) in ((int, int)[])[(1, 0), (8, 0), (8, Repository<int>.StatesMax)])
    await DecideAsync(callers, states);
await AggregateAsync();
await Figure.ReportAsync(figures, args is ["--out", var named] ? named : "artifacts/bench-marten.jsonl");

async Task AppendAsync(int callers, int events, bool existing)
{
    var name = $"append {events} to {(existing ? "existing" : "new")} streams, {callers} callers";
    System.Console.WriteLine($"measuring {name} ...");
    Task OursAsync(string stream, long version, IReadOnlyList<NewEvent> batch) => bench.Store.AppendAsync(
        stream, ExpectedVersion.Exactly(version), batch, EventMetadata.None, CancellationToken.None);
    Task RunAsync(Func<string, long, IReadOnlyList<NewEvent>, Task> append) =>
        AppendBenchmark.ManyAsync(append, Appends, callers, events, existing);
    await AddAsync(name, "events/s", Appends * events, () => RunAsync(OursAsync), () => RunAsync(marten.AppendAsync));
}

async Task DecideAsync(int callers, int states)
{
    var name = $"load {Length}{(states > 0 ? " once" : "")}, decide, append, {callers} callers";
    System.Console.WriteLine($"measuring {name} ...");
    var repository = new Repository<int>(bench.Store, counter, states, TimeProvider.System);
    Task OursAsync(string id, long version) => repository.DecideAsync(
        id, state => state == version ? Samples.Events(1).Select(e => e.Data) : [], EventMetadata.None,
        CancellationToken.None);
    async Task StartAsync(string id) => await bench.Store.AppendAsync(
        $"decide-{id}", ExpectedVersion.NoStream, Samples.Events(Length), EventMetadata.None, CancellationToken.None);
    Task StartMartenAsync(string id) => marten.AppendAsync(id, 0, Samples.Events(Length));
    await AddAsync(
        name, "decisions/s", Decisions,
        () => DecideBenchmark.ManyAsync(callers, Decisions, StartAsync, OursAsync),
        () => DecideBenchmark.ManyAsync(callers, Decisions, StartMartenAsync, marten.DecideAsync));
}

async Task AggregateAsync()
{
    System.Console.WriteLine($"measuring live aggregation of {Short} ...");
    for (var i = 0; i < Streams; i++)
    {
        await bench.Store.AppendAsync(
            $"decide-short-{i}", ExpectedVersion.NoStream, Samples.Events(Short), EventMetadata.None,
            CancellationToken.None);
        await marten.AppendAsync($"short-{i}", 0, Samples.Events(Short));
    }

    await bench.ExecuteAsync("analyze");
    async Task<int> OursAsync(string id) => (await bench.Store.AggregateStreamAsync(counter, id)).State;
    await AddAsync(
        $"live aggregation of {Short}", "events/s", Streams * Short, () => AllAsync(OursAsync),
        () => AllAsync(marten.AggregateAsync));
}

async Task AllAsync(Func<string, Task<int>> aggregate)
{
    for (var i = 0; i < Streams; i++)
    {
        if (await aggregate($"short-{i}") != Short) throw new InvalidOperationException("Events are missing.");
    }
}

async Task AddAsync(string name, string unit, int operations, Func<Task> ours, Func<Task> theirs)
{
    var cost = await Measure.CostsAsync(Measure.Many, operations, bench.CpuSeconds, ours, theirs);
    figures.Add(Figure.AgainstPeer(name, unit, cost[0].Rate, cost[1].Rate, Peer, ""));
    figures.Add(Figure.AgainstPeer(
        $"{name}, CPU", "CPU-s/M", cost[0].CpuPerMillion, cost[1].CpuPerMillion, Peer,
        name.EndsWith("8 callers", StringComparison.Ordinal) ? "<= 0.33" : ""));
}
