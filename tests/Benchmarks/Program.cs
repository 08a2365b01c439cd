using EventStream.Benchmarks;
using EventStream.Benchmarks.EventStore;
using Spectre.Console;

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
];
var figures = new List<Figure>();
var chosen = suites.Where(suite => only is null || suite.Name.StartsWith(only, StringComparison.Ordinal));
foreach (var (name, run) in chosen)
{
    Console.WriteLine($"measuring {name} ...");
    figures.AddRange(await run());
}

Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
await File.WriteAllLinesAsync(file, figures.Select(figure => figure.Json()));
var table = new Table().AddColumns("figure", "unit", "ours", "limit or peer", "", "ratio", "aim");
foreach (var f in figures)
{
    table.AddRow(
        f.Name, f.Unit, Short(f.Ours), Short(f.Limit ?? f.Peer), f.PeerName ?? "limit", $"{f.Ratio:0.00}", f.Aim);
}

AnsiConsole.Write(table);
Console.WriteLine($"one line a figure in {file}");

static string Short(double? value) => value is < 100 ? $"{value:0.##}" : $"{value:N0}";
