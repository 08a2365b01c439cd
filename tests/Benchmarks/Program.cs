using EventStream.Benchmarks;
using Spectre.Console;

var file = args is ["--out", var named] ? named : "artifacts/bench.jsonl";
var only = args is ["--only", var wanted] ? wanted : null;
(string Name, Func<Task<IReadOnlyList<Figure>>> Run)[] suites =
[
    ("broker", BrokerBenchmark.RunAsync),
    ("event store", EventStoreBenchmark.RunAsync),
    ("projections", ProjectionBenchmark.RunAsync),
    ("inline projection", InlineBenchmark.RunAsync),
    ("relay", RelayBenchmark.RunAsync),
    ("cmcd", CmcdBenchmark.RunAsync),
];
var figures = new List<Figure>();
foreach (var (name, run) in suites.Where(suite => only is null || suite.Name == only))
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
        f.Name, f.Unit, $"{f.Ours:N0}", $"{f.Limit ?? f.Peer:N0}", f.PeerName ?? "limit", $"{f.Ratio:0.00}", f.Aim);
}

AnsiConsole.Write(table);
Console.WriteLine($"one line a figure in {file}");
