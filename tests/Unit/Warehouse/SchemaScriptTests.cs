using System.Text.RegularExpressions;
using EventStream.Warehouse.Schema;
using EventStream.Warehouse.Sink.Rows;

namespace EventStream.Unit.Tests.Warehouse;

public sealed partial class SchemaScriptTests
{
    private static readonly List<string> Statements = [.. SchemaScript.All.SelectMany(script => script.Statements)];

    [Fact]
    public void Scripts_are_numbered_without_gaps() =>
        Assert.Equal(Enumerable.Range(1, SchemaScript.All.Count), SchemaScript.All.Select(script => script.Version));

    [Fact]
    public void Every_statement_may_run_again() =>
        Assert.All(
            Statements,
            statement =>
                Assert.Matches(
                    "^(CREATE (OR REPLACE|\\w+( \\w+)? IF NOT EXISTS)"
                        + "|ALTER TABLE \\S+ (ADD COLUMN IF NOT EXISTS|MODIFY QUERY))",
                    statement
                )
        );

    [Fact]
    public void Every_table_of_the_sink_keeps_a_deduplication_window_and_has_every_column_of_its_rows()
    {
        foreach (var table in Tables.All)
        {
            var definition = Assert.Single(
                Statements,
                statement =>
                    statement.StartsWith($"CREATE TABLE IF NOT EXISTS {table.Name}\n", StringComparison.Ordinal)
            );
            Assert.Contains("non_replicated_deduplication_window", definition);
            Assert.Equal(["event_id", "k_topic", "k_partition", "k_offset"], table.Columns.TakeLast(4));
            var added = Statements.Where(statement =>
                statement.StartsWith($"ALTER TABLE {table.Name} ADD COLUMN", StringComparison.Ordinal)
            );
            var columns = string.Join('\n', [definition, .. added]);
            Assert.All(table.Columns, column => Assert.Matches($@"(\n    |NOT EXISTS ){column} ", columns));
        }
    }

    [Fact]
    public void The_target_of_every_materialized_view_keeps_a_deduplication_window_too()
    {
        var targets = Statements
            .Select(statement => Target().Match(statement))
            .Where(match => match.Success)
            .Select(match => match.Groups[1].Value)
            .ToList();
        Assert.NotEmpty(targets);
        Assert.All(
            targets,
            target =>
                Assert.Contains(
                    Statements,
                    statement =>
                        statement.StartsWith($"CREATE TABLE IF NOT EXISTS {target}\n", StringComparison.Ordinal)
                        && statement.Contains("non_replicated_deduplication_window", StringComparison.Ordinal)
                )
        );
    }

    [GeneratedRegex(@"^CREATE MATERIALIZED VIEW IF NOT EXISTS \S+ TO (\S+)")]
    private static partial Regex Target();
}
