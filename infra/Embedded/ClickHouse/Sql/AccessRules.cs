using System.Text.RegularExpressions;

namespace EventStream.Embedded.ClickHouse.Sql;

/// <summary>
/// Decides what a statement from outside may do, by the tree that the engine parsed and lists of what is allowed
/// (<see cref="AccessLists"/>). Files, URLs, other servers and programs are refused to every user. The engine's own
/// grants are a second line behind these rules; they cover nothing of scalar functions and of dictionaries.
/// </summary>
internal static partial class AccessRules
{
    /// <summary>
    /// Returns when the statement may run. Throws <see cref="ClickHouseException"/> 164 when a reader writes and 497
    /// for what reaches outside.
    /// </summary>
    /// <param name="tree">The nodes of <c>EXPLAIN AST</c>.</param>
    /// <param name="tokens">The statement's tokens, for what the tree leaves out.</param>
    /// <param name="parameters">Values that are used for names in what the tree leaves out.</param>
    /// <param name="tableFunctions">Every table function of the engine.</param>
    public static void Check(
        IReadOnlyList<SyntaxNode> tree,
        IReadOnlyList<SqlToken> tokens,
        IReadOnlyList<KeyValuePair<string, string>> parameters,
        IReadOnlySet<string> tableFunctions,
        bool readOnly
    )
    {
        var root = tree.Count > 0 ? tree[0] : throw Refused("The statement has no form that the engine explains");
        if (!IsRead(root.Kind))
        {
            if (!AccessLists.Writes.Contains(root.Kind))
                throw Refused($"Statements of the kind '{root.Kind}' are refused on the embedded engine");
            if (readOnly)
            {
                throw ClickHouseException.Of(
                    ClickHouseException.Readonly,
                    "READONLY",
                    "Cannot execute query in readonly mode."
                );
            }
        }

        CheckTree(tree, tableFunctions);
        if (tree.Any(IsInnerSetting))
            CheckInnerSettings(tokens);
        if (root.Kind is "CreateQuery" or "AlterQuery")
            CheckPlacement(tokens);
        if (
            tree.Any(node =>
                node.Kind.StartsWith("ColumnsApply", StringComparison.Ordinal)
                || node.Kind.StartsWith("Window", StringComparison.Ordinal)
            )
        )
        {
            CheckHidden(tokens, parameters, tableFunctions);
        }
    }

    /// <summary>Throws when a name could be taken for a line of the tree.</summary>
    public static void CheckNames(
        IReadOnlyList<SqlToken> tokens,
        IReadOnlyList<KeyValuePair<string, string>> parameters
    )
    {
        var named = tokens.Where(token => token.Kind == SqlTokenKind.QuotedIdentifier).Select(token => token.Text);
        if (tokens.Any(token => token.Is("Identifier")))
            named = named.Concat(parameters.Select(pair => pair.Value));
        if (named.Any(name => name.Any(char.IsControl)))
        {
            throw ClickHouseException.Of(
                ClickHouseException.BadArguments,
                "BAD_ARGUMENTS",
                "A quoted name has a control character in it."
            );
        }
    }

    private static bool IsRead(string kind) =>
        kind is "SelectWithUnionQuery" or "SelectIntersectExceptQuery" or "SelectQuery" or "Explain" or "DescribeQuery"
        || kind.StartsWith("Show", StringComparison.Ordinal)
        || kind.StartsWith("Exists", StringComparison.Ordinal);

    private static void CheckTree(IReadOnlyList<SyntaxNode> tree, IReadOnlySet<string> tableFunctions)
    {
        foreach (var node in tree)
        {
            switch (node.Kind)
            {
                case "Function":
                    CheckFunction(node, tableFunctions);
                    break;
                case "Identifier" when IsArgument(node) && AccessLists.IsOutsideScalar(node.Name):
                    throw Outside("function", node.Name);
                case "Literal" when IsFile(node):
                    throw Refused(
                        "INTO OUTFILE and FROM INFILE are refused: they reach files of the server; "
                            + "read the result, or send the rows as the body"
                    );
                case "TableIdentifier" when node.Name.Contains('/') || node.Name.Contains('\\'):
                    throw Outside("table", node.Name);
                case "FunctionWithKeyValueArguments" when node.Name != "null":
                    throw Outside("dictionary source", node.Name);
                case "AlterCommand" when MovesData().IsMatch(node.Name):
                    throw Outside("ALTER command", node.Name);
            }
        }
    }

    private static void CheckFunction(SyntaxNode node, IReadOnlySet<string> tableFunctions)
    {
        var name = node.Name;
        if (node.Parent?.Text.StartsWith("Storage definition", StringComparison.Ordinal) == true)
        {
            // The first function is the engine; what follows are keys of the table.
            if (
                node.Parent.Children.First(child => child.Kind == "Function") == node
                && IsEngine(node)
                && !AccessLists.Engines.Contains(name)
            )
            {
                throw Outside("engine", name);
            }
        }

        if (AccessLists.IsOutsideScalar(name))
            throw Outside("function", name);
        var table = node.Parent?.Kind is "TableExpression" or "InsertQuery" or "CreateQuery" || IsInOperand(node);
        if (
            (
                table
                && (node.Parent?.Kind == "TableExpression" || tableFunctions.Contains(name))
                && !AccessLists.TableFunctions.Contains(name)
            ) || (tableFunctions.Contains(name) && !AccessLists.TableFunctions.Contains(name) && !IsScalarToo(name))
        )
        {
            throw Outside("table function", name);
        }
    }

    /// <summary>An engine is the first child of its storage; with ORDER BY f(x) alone the first may be a key.</summary>
    private static bool IsEngine(SyntaxNode node) => node.Parent!.Children[0] == node;

    /// <summary>Names that are a harmless scalar function too.</summary>
    private static bool IsScalarToo(string name) =>
        name.Equals("format", StringComparison.OrdinalIgnoreCase)
        || name.Equals("fuzzQuery", StringComparison.OrdinalIgnoreCase);

    private static bool IsInOperand(SyntaxNode node) =>
        node.Parent is { Kind: "ExpressionList", Parent: { Kind: "Function" } operation }
        && InOperator().IsMatch(operation.Name)
        && node.Parent.Children.IndexOf(node) > 0;

    private static bool IsArgument(SyntaxNode node) =>
        node.Parent is { Kind: "ExpressionList", Parent.Kind: "Function" };

    /// <summary>A text directly below a statement is a file's name; below EXPLAIN's own statement too.</summary>
    private static bool IsFile(SyntaxNode node) =>
        node.Parent is { } parent
        && node.Name.TrimStart('\\').StartsWith('\'')
        && (parent.Kind is "InsertQuery" || IsRead(parent.Kind));

    /// <summary>The engine holds SETTINGS of the whole statement to its constraints, those of inner ones not.</summary>
    private static bool IsInnerSetting(SyntaxNode node)
    {
        if (node.Kind != "Set" || node.Parent is null)
            return false;
        var selects = 0;
        var top = node;
        for (; top.Parent is { } parent; top = parent)
            selects += parent.Kind == "SelectQuery" ? 1 : 0;
        return selects > (top.Kind == "SelectWithUnionQuery" ? 1 : 0);
    }

    private static void CheckInnerSettings(IReadOnlyList<SqlToken> tokens)
    {
        var code = Code(tokens);
        for (var i = 0; i + 1 < code.Count; i++)
        {
            if (code[i + 1].IsSymbol('=') && AccessLists.IsBoundSetting(code[i].Text))
            {
                throw ClickHouseException.Of(
                    ClickHouseException.SettingConstraint,
                    "SETTING_CONSTRAINT_VIOLATION",
                    $"Setting {code[i].Text} should not be changed inside a statement."
                );
            }
        }
    }

    private static void CheckPlacement(IReadOnlyList<SqlToken> tokens)
    {
        var code = Code(tokens);
        for (var i = 0; i + 1 < code.Count; i++)
        {
            if (code[i + 1].IsSymbol('=') && AccessLists.PlacementSettings.Contains(code[i].Text))
                throw Outside("setting", code[i].Text);
        }
    }

    /// <summary>The tree shows neither what APPLY calls nor a WINDOW clause, so their words are looked at.</summary>
    private static void CheckHidden(
        IReadOnlyList<SqlToken> tokens,
        IReadOnlyList<KeyValuePair<string, string>> parameters,
        IReadOnlySet<string> tableFunctions
    )
    {
        var names = Code(tokens)
            .Where(token => token.Kind != SqlTokenKind.Symbol)
            .Select(token => token.Text)
            .Concat(parameters.Select(pair => pair.Value.Trim('`', '"')));
        foreach (var name in names)
        {
            if (
                AccessLists.IsOutsideScalar(name)
                || (tableFunctions.Contains(name) && !AccessLists.TableFunctions.Contains(name) && !IsScalarToo(name))
            )
            {
                throw Outside("function", name);
            }
        }
    }

    private static List<SqlToken> Code(IReadOnlyList<SqlToken> tokens) =>
        tokens.Where(token => token.Kind is not (SqlTokenKind.Comment or SqlTokenKind.Literal)).ToList();

    private static ClickHouseException Outside(string what, string name) =>
        Refused(
            $"The {what} '{name}' is refused on the embedded engine: only what stays inside this "
                + "server's own tables is "
                + "allowed"
        );

    private static ClickHouseException Refused(string sentence) =>
        ClickHouseException.Of(ClickHouseException.AccessDenied, "ACCESS_DENIED", sentence + ".");

    [GeneratedRegex("^(?:global)?(?:not)?(?:null)?in(?:ignoreset)?$", RegexOptions.IgnoreCase)]
    private static partial Regex InOperator();

    [GeneratedRegex("FREEZE|FETCH|MOVE_PARTITION|UNLOCK_SNAPSHOT|TO_DISK|TO_VOLUME|MODIFY_SQL_SECURITY")]
    private static partial Regex MovesData();
}
