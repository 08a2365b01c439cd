using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using EventStream.Embedded.ClickHouse.Sql;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// A statement as the engine is to run it: the client's text with the few changes that this interface needs, made at
/// the places where the engine's own parser found them.
/// </summary>
internal sealed partial class StatementText
{
    /// <summary>
    /// The setting is its default; behind one, the parser takes an unknown first word for no further setting.
    /// </summary>
    private const string Explain = "EXPLAIN AST graph = 0 ";

    private readonly SqlStatement statement;
    private readonly IReadOnlyList<SyntaxNode> tree;
    private readonly List<SqlToken> code;
    private readonly List<(int Start, int End, string Text)> edits = [];

    private StatementText(SqlStatement statement, IReadOnlyList<SyntaxNode> tree)
    {
        this.statement = statement;
        this.tree = tree;
        code = statement.Tokens.Where(token => !token.IsSymbol(';')).ToList();
        if (Names("system.processes"))
            ReadOwnProcesses();
        if (tree[0].Kind == "KillQueryQuery")
            Kill();
        if (tree[0].Kind is "DropQuery" or "TruncateQuery" or "UndropQuery")
            WithoutSync();
    }

    /// <summary>Whether it is a SELECT, whose result comes while it runs.</summary>
    public bool IsSelect => tree[0].Kind == "SelectWithUnionQuery";

    /// <summary>Whether its result has rows besides the rows, which parts of a stream do not carry.</summary>
    public bool HasTotals => code.Exists(token => token.Is("TOTALS") || token.Is("extremes"));

    /// <summary>The format that it names itself, or null.</summary>
    public string? Format => NamesFormat && FormatAt() is var at and >= 0 ? code[at + 1].Text : null;

    /// <summary>Whether it reads the query log.</summary>
    public bool ReadsLog => Names("system.query_log");

    private bool NamesFormat => !IsSelect || tree[0].Children.Exists(child => child.Kind == "Identifier");

    /// <summary>
    /// Lets the engine parse a statement and checks it. Throws <see cref="ClickHouseException"/> 62 when it is none,
    /// 164 and 497 when it may not run.
    /// </summary>
    public static StatementText Check(ChdbConnection connection, EmbeddedEngine engine, ClickHouseRequest request)
    {
        var sent = request.Statement;
        AccessRules.CheckNames(sent.Tokens, request.Parameters);
        var sql = sent.Kind == SqlKind.InsertData ? $"{sent.Text} FORMAT {sent.Format}" : sent.Text;
        var nodes = Parse(connection, sql, request);
        AccessRules.Check(nodes, sent.Tokens, request.Parameters, engine.TableFunctions, request.User.ReadOnly);
        if (request.Expressions is { } expressions)
        {
            AccessRules.Check(
                Parse(connection, $"SELECT {expressions}", request),
                [.. SqlScanner.Scan(Encoding.UTF8.GetBytes(expressions))],
                request.Parameters,
                engine.TableFunctions,
                readOnly: false
            );
        }

        return new StatementText(sent, nodes);
    }

    /// <summary>The text to run, with its result sent to a file where <paramref name="file"/> names one.</summary>
    public string Text(string? file = null, string format = "")
    {
        var all = edits.ToList();
        var end = Encoding.UTF8.GetByteCount(statement.Text);
        if (file is not null)
        {
            var into = $" INTO OUTFILE {ClickHouseSettings.Quote(file)} APPEND";
            var at = Format is null ? end : code[FormatAt()].Start;
            all.Add((at, at, Format is null ? $"{into} FORMAT {format}" : $"{into} "));
        }

        var bytes = Encoding.UTF8.GetBytes(statement.Text);
        var text = new StringBuilder();
        var done = 0;
        foreach (var edit in all.OrderBy(edit => edit.Start))
        {
            text.Append(Encoding.UTF8.GetString(bytes.AsSpan(done, edit.Start - done))).Append(edit.Text);
            done = edit.End;
        }

        return text.Append(Encoding.UTF8.GetString(bytes.AsSpan(done))).ToString();
    }

    private static IReadOnlyList<SyntaxNode> Parse(ChdbConnection connection, string sql, ClickHouseRequest request)
    {
        try
        {
            return SyntaxTree.Parse(connection.Run(Explain + sql, "TSVRaw", request.Parameters).Text);
        }
        catch (ClickHouseException e) when (e.Code == (int)ClickHouseError.SyntaxError)
        {
            throw new ClickHouseException(e.Code, e.Name, Moved(e.Message));
        }
    }

    /// <summary>The engine's sentence with the place in the client's text, without our own first words.</summary>
    private static string Moved(string message) =>
        Position()
            .Replace(
                message,
                match =>
                    "failed at position "
                    + Math.Max(1, int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) - Explain.Length),
                1
            );

    private bool Names(string table) =>
        tree.Any(node => node.Kind == "TableIdentifier" && node.Name.Equals(table, StringComparison.OrdinalIgnoreCase));

    /// <summary>The engine gives ids of its own; the view has the ids that clients gave.</summary>
    private void ReadOwnProcesses()
    {
        for (var i = 0; i + 2 < code.Count; i++)
        {
            if (code[i].Text == "system" && code[i + 1].IsSymbol('.') && code[i + 2].Text == "processes")
                edits.Add((code[i].Start, code[i + 2].End, SystemTables.Processes));
        }
    }

    private void Kill()
    {
        WithoutSync();
        var where = code.FindIndex(token => token.Is("WHERE") && token.Depth == 0);
        if (where < 0 || !code.Exists(token => token.Is("QUERY")))
            return;
        var last = code.FindIndex(
            where,
            token =>
                token.Depth == 0 && (token.Is("SYNC") || token.Is("ASYNC") || token.Is("TEST") || token.Is("FORMAT"))
        );
        var end = last < 0 ? code[^1].End : code[last - 1].End;
        edits.Add(
            (
                code[where].End,
                code[where].End,
                $" query_id IN (SELECT engine_query_id FROM {SystemTables.Processes} WHERE"
            )
        );
        edits.Add((end, end, ")"));
    }

    /// <summary>DROP and KILL with SYNC never return in this engine; without it they do the same.</summary>
    private void WithoutSync()
    {
        foreach (var token in code.Where(token => token.Depth == 0 && token.Is("SYNC")))
            edits.Add((token.Start, token.End, tree[0].Kind == "KillQueryQuery" ? "ASYNC" : ""));
    }

    private int FormatAt() =>
        code.FindLastIndex(Math.Max(0, code.Count - 2), token => token.Is("FORMAT") && token.Depth == 0);

    [GeneratedRegex(@"failed at position (\d+)")]
    private static partial Regex Position();
}
