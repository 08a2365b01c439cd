using System.Text.RegularExpressions;

namespace EventStream.Embedded.ClickHouse.Sql;

/// <summary>A node of a statement as the engine parsed it, by the words of <c>EXPLAIN AST</c>.</summary>
internal sealed class SyntaxNode(string text, SyntaxNode? parent)
{
    /// <summary>The whole line, such as <c>Function file (alias t) (children 1)</c>.</summary>
    public string Text { get; } = text;

    public SyntaxNode? Parent { get; } = parent;

    public List<SyntaxNode> Children { get; } = [];

    /// <summary>The first word, such as <c>SelectWithUnionQuery</c> or <c>Function</c>.</summary>
    public string Kind { get; } = text.Split(' ', 2)[0];

    /// <summary>What follows the kind, without alias and count of children: a function's or table's name.</summary>
    public string Name => SyntaxTree.Suffix().Replace(Text[Math.Min(Kind.Length, Text.Length)..], "").Trim();
}

/// <summary>
/// The tree that <c>EXPLAIN AST</c> prints, one node a line, indented by one blank a level. Names with control
/// characters are refused before, so that no name can look like a node.
/// </summary>
internal static partial class SyntaxTree
{
    /// <summary>All nodes in the order of the text; the first is the root.</summary>
    public static IReadOnlyList<SyntaxNode> Parse(string explained)
    {
        var nodes = new List<SyntaxNode>();
        var open = new List<SyntaxNode>();
        foreach (var line in explained.Split('\n'))
        {
            var text = line.TrimStart(' ');
            if (text.Length == 0)
                continue;
            var depth = Math.Min(line.Length - text.Length, open.Count);
            var node = new SyntaxNode(text.TrimEnd(), depth == 0 ? null : open[depth - 1]);
            node.Parent?.Children.Add(node);
            open.RemoveRange(depth, open.Count - depth);
            open.Add(node);
            nodes.Add(node);
        }

        return nodes;
    }

    [GeneratedRegex(@"(?: \(alias .*)?(?: \(children \d+\))?$", RegexOptions.Singleline)]
    internal static partial Regex Suffix();
}
