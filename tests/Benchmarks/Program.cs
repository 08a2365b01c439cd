using EventStream.Benchmarks;
using EventStream.Benchmarks.EventStore;
using EventStream.Benchmarks.Streams;

if (args is ["contestant", .. var contestant])
{
    await StreamContestants.RunAsync(contestant);
    return;
}

var file = args is ["--out", var named] ? named : "artifacts/bench.jsonl";
var only = args is ["--only", var wanted] ? wanted : null;
(string Name, Func<Task<IReadOnlyList<Figure>>> Run)[] suites =
[
    ("broker", BrokerBenchmark.RunAsync),
    ("event store append", AppendBenchmark.RunAsync),
    ("event store decide", DecideBenchmark.RunAsync),
    ("event store read", ReadBenchmark.RunAsync),
    ("messaging", MessagingBenchmark.RunAsync),
    ("projections", ProjectionBenchmark.RunAsync),
    ("inline projection", InlineBenchmark.RunAsync),
    ("relay", RelayBenchmark.RunAsync),
    ("cmcd", CmcdBenchmark.RunAsync),
    ("warehouse", WarehouseBenchmark.RunAsync),
    ("streams", StreamBenchmark.RunAsync),
    ("streams restore", RestoreBenchmark.RunAsync),
];
var figures = new List<Figure>();
var chosen = suites.Where(suite => only is null || suite.Name.StartsWith(only, StringComparison.Ordinal));
foreach (var (name, run) in chosen)
{
    Console.WriteLine($"measuring {name} ...");
    figures.AddRange(await run());
}

await Figure.ReportAsync(figures, file);
