using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>
/// What PostgreSQL did for a statement and for the statements of the functions it called: EXPLAIN (ANALYZE, BUFFERS) of
/// the real thing, as the module auto_explain reports it.
/// </summary>
internal sealed class QueryPlan(IReadOnlyList<JsonNode> statements)
{
    /// <summary>A connection that reports plans.</summary>
    public static async Task<NpgsqlConnection> ConnectAsync(string connectionString, string schema)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false, SearchPath = schema };
        var connection = new NpgsqlConnection(builder.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            """
            load 'auto_explain';
            set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
            set auto_explain.log_analyze = on; set auto_explain.log_buffers = on; set auto_explain.log_triggers = on;
            set auto_explain.log_format = json; set auto_explain.log_level = notice
            """, connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    /// <summary>
    /// Runs a statement, after another one that prepares for it, and gathers its plans; what they changed is rolled
    /// back.
    /// </summary>
    public static async Task<QueryPlan> OfAsync(
        NpgsqlConnection connection, string sql, string? before, params object[] values)
    {
        var plans = new List<JsonNode>();
        void Take(object sender, NpgsqlNoticeEventArgs e)
        {
            var text = e.Notice.MessageText;
            if (text.Contains("plan:", StringComparison.Ordinal)) plans.Add(JsonNode.Parse(text[text.IndexOf('{')..])!);
        }

        connection.Notice += Take;
        try
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var preparation = new NpgsqlCommand(before, connection);
            if (before is not null) await preparation.ExecuteNonQueryAsync();
            await using var command = new NpgsqlCommand(sql, connection);
            foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
            await command.ExecuteNonQueryAsync();
            // The plan of the statement itself is reported when its portal closes, which is with the transaction.
            await transaction.RollbackAsync();
        }
        finally
        {
            connection.Notice -= Take;
        }

        return new QueryPlan(plans);
    }

    /// <summary>How many statements there were, with those of functions.</summary>
    public int Statements => statements.Count;

    /// <summary>Tables that were read from end to end.</summary>
    public IReadOnlyList<string> SequentialScans => Scans("Seq Scan");

    /// <summary>Partitions of the events that were read at all.</summary>
    public IReadOnlyList<string> Partitions =>
        [.. Nodes().Where(IsExecuted).Select(Relation).Where(name => name.StartsWith("events_p")).Distinct().Order()];

    /// <summary>Partitions of the events that stand in a plan, read or not: what planning and locking cost.</summary>
    public IReadOnlyList<string> Planned =>
        [.. Nodes().Select(Relation).Where(name => name.StartsWith("events_p")).Distinct().Order()];

    /// <summary>Indexes that were read.</summary>
    public IReadOnlyList<string> Indexes =>
        [.. Nodes().Where(IsExecuted).Select(node => Text(node, "Index Name")).Distinct().Order()];

    /// <summary>How often something was sorted.</summary>
    public int Sorts => Nodes().Count(node => Text(node, "Node Type") == "Sort");

    /// <summary>Pages that were touched by all statements together.</summary>
    public long Pages => statements.Sum(one =>
        Number(one["Plan"]!, "Shared Hit Blocks") + Number(one["Plan"]!, "Shared Read Blocks"));

    /// <summary>The plans, for the message of a test that fails.</summary>
    public override string ToString() => string.Join('\n', statements.Select(one =>
        one.ToJsonString(new JsonSerializerOptions { WriteIndented = true })));

    private List<string> Scans(string type) =>
        [.. Nodes().Where(node => IsExecuted(node) && Text(node, "Node Type") == type).Select(Relation)];

    private IEnumerable<JsonNode> Nodes() => statements.SelectMany(one => Below(one["Plan"]!));

    private static IEnumerable<JsonNode> Below(JsonNode node) =>
        (node["Plans"]?.AsArray() ?? []).OfType<JsonNode>().SelectMany(Below).Prepend(node);

    private static bool IsExecuted(JsonNode node) => Number(node, "Actual Loops") > 0;

    private static string Relation(JsonNode node) => Text(node, "Relation Name");

    private static string Text(JsonNode node, string name) => (string?)node[name] ?? "";

    private static long Number(JsonNode node, string name) => (long?)node[name]?.GetValue<double>() ?? 0;
}
