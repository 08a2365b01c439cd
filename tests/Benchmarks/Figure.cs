using System.Text.Json;
using Spectre.Console;

namespace EventStream.Benchmarks;

/// <summary>
/// One measured figure beside what it is held against, both from the same run on the same machine. <c>Ratio</c> is
/// ours over the peer where there is one, else ours over the limit; <c>Aim</c> says what is wanted of it.
/// </summary>
public sealed record Figure(
    string Name,
    string Unit,
    double Ours,
    double? Limit,
    double? Peer,
    string? PeerName,
    double Ratio,
    string Aim
)
{
    /// <summary>A figure against a limit: the least that any implementation must pay.</summary>
    public static Figure AgainstLimit(string name, string unit, double ours, double limit, string aim) =>
        new(name, unit, ours, limit, null, null, ours / limit, aim);

    /// <summary>A figure against another implementation.</summary>
    public static Figure AgainstPeer(string name, string unit, double ours, double peer, string peerName, string aim) =>
        new(name, unit, ours, null, peer, peerName, ours / peer, aim);

    /// <summary>The line of <c>bench.jsonl</c>.</summary>
    public string Json() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);

    /// <summary>Writes figures as a table to the console and as lines to a file.</summary>
    public static async Task ReportAsync(IReadOnlyList<Figure> figures, string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        await File.WriteAllLinesAsync(file, figures.Select(figure => figure.Json()));
        var table = new Table().AddColumns("figure", "unit", "ours", "limit or peer", "", "ratio", "aim");
        foreach (var f in figures)
        {
            table.AddRow(
                f.Name,
                f.Unit,
                Short(f.Ours),
                Short(f.Limit ?? f.Peer),
                f.PeerName ?? "limit",
                $"{f.Ratio:0.00}",
                f.Aim
            );
        }

        AnsiConsole.Write(table);
        System.Console.WriteLine($"one line a figure in {file}");
    }

    private static string Short(double? value) => value is < 100 ? $"{value:0.##}" : $"{value:N0}";
}
