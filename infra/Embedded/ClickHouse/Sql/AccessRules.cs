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
                throw new ClickHouseException(ClickHouseError.Readonly, "Cannot execute query in readonly mode.");
        }

        CheckTree(tree, tableFunctions);
        // The engine holds SETTINGS of the whole statement to its constraints, those of inner ones not.
        if (tree.Any(IsInnerSetting) && Assigned(tokens).FirstOrDefault(AccessLists.IsBoundSetting) is { } bound)
        {
            throw new ClickHouseException(
                ClickHouseError.SettingConstraintViolation,
                $"Setting {bound} should not be changed inside a statement."
            );
        }

        if (
            root.Kind is "CreateQuery" or "AlterQuery"
            && Assigned(tokens).FirstOrDefault(AccessLists.PlacementSettings.Contains) is { } placement
        )
        {
            throw Outside("setting", placement);
        }

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

    /// <summary>
    /// Throws where a name could be taken for lines of the tree: the engine prints it as it is, its escapes undone.
    /// </summary>
    public static void CheckNames(
        IReadOnlyList<SqlToken> tokens,
        IReadOnlyList<KeyValuePair<string, string>> parameters
    )
    {
        var quoted = tokens.Where(token => token.Kind == SqlTokenKind.QuotedIdentifier).Select(token => token.Text);
        // As in {name:Identifier}; the engine reads the values of parameters with escapes too.
        var named = tokens.Index().Where(at => at.Index >= 2 && at.Item.Is("Identifier"));
        var keys = named.Select(at => tokens[at.Index - 2].Text).ToHashSet(StringComparer.Ordinal);
        var values = parameters.Where(pair => keys.Contains(pair.Key)).Select(pair => pair.Value);
        if (quoted.Concat(values).Any(name => name.Any(c => c == '\\' || char.IsControl(c))))
            throw Refused("A name with a backslash or a control character in it is refused on the embedded engine");
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
        if (IsEngine(node) && !AccessLists.Engines.Contains(name))
            throw Outside("engine", name);
        if (AccessLists.IsOutsideScalar(name))
            throw Outside("function", name);
        var inPlaceOfTable = node.Parent?.Kind is "InsertQuery" or "CreateQuery" || IsInOperand(node);
        if (
            (node.Parent?.Kind == "TableExpression" && !AccessLists.TableFunctions.Contains(name))
            || (IsOutsideTable(name, tableFunctions) && (inPlaceOfTable || !IsScalarToo(name)))
        )
        {
            throw Outside("table function", name);
        }
    }

    /// <summary>An engine is the first child of its storage; what follows are keys of the table.</summary>
    private static bool IsEngine(SyntaxNode node) =>
        node.Parent is { } parent
        && parent.Text.StartsWith("Storage definition", StringComparison.Ordinal)
        && parent.Children[0] == node;

    private static bool IsOutsideTable(string name, IReadOnlySet<string> tableFunctions) =>
        tableFunctions.Contains(name) && !AccessLists.TableFunctions.Contains(name);

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

    /// <summary>The names that stand before an equals sign.</summary>
    private static IEnumerable<string> Assigned(IReadOnlyList<SqlToken> tokens)
    {
        var code = Code(tokens);
        return code.Zip(code.Skip(1)).Where(pair => pair.Second.IsSymbol('=')).Select(pair => pair.First.Text);
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
            if (AccessLists.IsOutsideScalar(name) || (IsOutsideTable(name, tableFunctions) && !IsScalarToo(name)))
                throw Outside("function", name);
        }
    }

    private static List<SqlToken> Code(IReadOnlyList<SqlToken> tokens) =>
        tokens.Where(token => token.Kind != SqlTokenKind.Literal).ToList();

    private static ClickHouseException Outside(string what, string name) =>
        Refused(
            $"The {what} '{name}' is refused on the embedded engine: only what stays inside this server's own tables "
                + "is allowed"
        );

    private static ClickHouseException Refused(string sentence) =>
        new ClickHouseException(ClickHouseError.AccessDenied, sentence + ".");

    [GeneratedRegex("^(?:global)?(?:not)?(?:null)?in(?:ignoreset)?$", RegexOptions.IgnoreCase)]
    private static partial Regex InOperator();

    [GeneratedRegex("FREEZE|FETCH|MOVE_PARTITION|UNLOCK_SNAPSHOT|TO_DISK|TO_VOLUME|MODIFY_SQL_SECURITY")]
    private static partial Regex MovesData();
}
