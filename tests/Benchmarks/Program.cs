using EventStream.Benchmarks;
using EventStream.Benchmarks.Ladder;
using EventStream.Benchmarks.Store;
using EventStream.Benchmarks.Streams;

if (args is ["contestant", .. var contestant])
{
    await StreamContestants.RunAsync(contestant);
    return 0;
}

var file = args is ["--out", var named] ? named : "artifacts/bench.jsonl";
var only = args is ["--only", var wanted] ? wanted : null;
(string Name, Func<Task<IReadOnlyList<Figure>>> Run)[] suites =
[
    ("broker", BrokerBenchmark.RunAsync),
    ("store decide", DecideBenchmark.RunAsync),
    ("messaging", MessagingBenchmark.RunAsync),
    ("relay", RelayBenchmark.RunAsync),
    ("ladder", LadderBenchmark.RunAsync),
    ("codecs", CodecBenchmark.RunAsync),
    ("cmcd", CmcdBenchmark.RunAsync),
    ("warehouse", WarehouseBenchmark.RunAsync),
    ("first rung", FirstRungBenchmark.RunAsync),
    ("encode", EncodeBenchmark.RunAsync),
    ("streams", StreamBenchmark.RunAsync),
    ("streams restore", RestoreBenchmark.RunAsync),
];
var figures = new List<Figure>();
var chosen = suites.Where(suite => only is null || suite.Name.StartsWith(only, StringComparison.Ordinal)).ToList();
if (chosen.Count == 0)
{
    Console.Error.WriteLine(
        $"No benchmark is named '{only}'; there are: {string.Join(", ", suites.Select(s => s.Name))}."
    );
    return 2;
}

foreach (var (name, run) in chosen)
{
    Console.WriteLine($"measuring {name} at a load average of {LoadAverage()} ...");
    figures.AddRange(await run());
    Console.WriteLine($"... and now {LoadAverage()}");
}

await Figure.ReportAsync(figures, file);
return 0;

// Ratios bear a busy machine, absolute rates do not.
static string LoadAverage() => File.ReadAllText("/proc/loadavg").Split(' ')[0];
