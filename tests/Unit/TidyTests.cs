using System.Text.RegularExpressions;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests;

/// <summary>The repository tests itself: sizes, words that must not be left, the clock, doc comments.</summary>
public sealed partial class TidyTests
{
    private const int ColumnsMax = 120;
    private const int FileLinesMax = 400;
    private const int MethodLinesMax = 70;

    [Fact]
    public void No_line_is_longer_than_120_columns() =>
        None(
            from line in Lines()
            where line.Text.Length > ColumnsMax && !IsData(line.Text)
            select $"{line} has {line.Text.Length}"
        );

    [Fact]
    public void No_file_is_longer_than_400_lines() =>
        None(
            from file in Checkout.SourceFiles()
            let count = File.ReadLines(file).Count()
            where count > FileLinesMax
            select $"{Name(file)} has {count} lines"
        );

    [Fact]
    public void No_method_is_longer_than_70_lines() =>
        None(
            from file in Checkout.SourceFiles()
            from method in Methods(File.ReadAllLines(file))
            where method.Lines > MethodLinesMax
            select $"{Name(file)}:{method.Start} takes {method.Lines} lines"
        );

    [Fact]
    public void Nothing_is_left_to_do_later() =>
        None(from line in Lines() where Later().IsMatch(line.Text) && !Self(line.File) select line.ToString());

    [Fact]
    public void Time_comes_from_a_TimeProvider() =>
        None(
            from line in Lines()
            where WallClock().IsMatch(line.Text) && !Self(line.File)
            where !line.File.Contains("/Kit/", StringComparison.Ordinal)
            where !line.File.EndsWith("LineLogger.cs", StringComparison.Ordinal)
            select line.ToString()
        );

    [Fact]
    public void Every_public_type_says_what_it_is() =>
        None(
            from file in Checkout.SourceFiles()
            where !file.Contains("/tests/", StringComparison.Ordinal)
            from type in PublicTypesWithoutComment(File.ReadAllLines(file))
            select $"{Name(file)}:{type}"
        );

    [Fact]
    public void Nothing_committed_names_a_package_registry_or_a_home_folder() =>
        None(
            from file in Checkout.Files("*")
            where
                Path.GetExtension(file)
                    is ".cs"
                        or ".md"
                        or ".sh"
                        or ".json"
                        or ".config"
                        or ".yml"
                        or ".yaml"
                        or ".props"
                        or ".js"
            where !Self(file)
            from pair in File.ReadLines(file).Select((text, i) => (text, i))
            where Host().IsMatch(pair.text)
            select $"{Name(file)}:{pair.i + 1}"
        );

    [Fact]
    public void Words_are_plain_and_current() =>
        None(
            from file in Checkout
                .SourceFiles()
                .Where(file => !file.Contains("/tests/", StringComparison.Ordinal))
                .Concat(Checkout.Files("*.md").Where(file => !file.Contains("/decisions/", StringComparison.Ordinal)))
                .Concat(Checkout.Files("*.js").Where(file => file.Contains("/Pages/", StringComparison.Ordinal)))
            from pair in File.ReadLines(file).Select((text, i) => (text, i))
            where OldWord().IsMatch(pair.text)
            select $"{Name(file)}:{pair.i + 1} {pair.text.Trim()}"
        );

    private static void None(IEnumerable<string> offences)
    {
        var found = offences.ToList();
        if (found.Count > 0)
            Assert.Fail($"{found.Count} offences:\n{string.Join('\n', found)}");
    }

    private static bool Self(string file) => file.EndsWith("TidyTests.cs", StringComparison.Ordinal);

    /// <summary>A captured record or a literal in a test may be as long as what it captures.</summary>
    private static bool IsData(string text) =>
        text.Contains("\"\"\"", StringComparison.Ordinal)
        || text.TrimStart().StartsWith('"')
        || text.TrimStart().StartsWith('{')
        || text.Contains("InlineData", StringComparison.Ordinal);

    private static string Name(string file) => Path.GetRelativePath(Checkout.Root, file);

    private static IEnumerable<Line> Lines() =>
        from file in Checkout.SourceFiles()
        from pair in File.ReadLines(file).Select((text, i) => (text, i))
        select new Line(file, pair.i + 1, pair.text);

    private static IEnumerable<string> PublicTypesWithoutComment(string[] lines)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            if (!PublicType().IsMatch(lines[i]))
                continue;
            var before = i - 1;
            while (before >= 0 && lines[before].Length > 0 && !lines[before].Contains("///", StringComparison.Ordinal))
                before--;
            if (before < 0 || !lines[before].TrimStart().StartsWith("///", StringComparison.Ordinal))
                yield return $"{i + 1}: {lines[i].Trim()}";
        }
    }

    /// <summary>Bodies of members by their indentation, which the formatter keeps.</summary>
    private static IEnumerable<(int Start, int Lines)> Methods(string[] lines)
    {
        for (var i = 1; i < lines.Length; i++)
        {
            var indent = lines[i].Length - lines[i].TrimStart().Length;
            if (lines[i].Trim() != "{" || indent is not (4 or 8) || !lines[i - 1].TrimEnd().EndsWith(')'))
                continue;
            if (
                lines[i - 1].Contains(" class ", StringComparison.Ordinal)
                || lines[i - 1].Contains(" record ", StringComparison.Ordinal)
            )
                continue;
            var end = i;
            // An initializer, which also stands in braces, ends with more than the brace.
            var brace = new string(' ', indent) + "}";
            while (end < lines.Length && !lines[end].StartsWith(brace, StringComparison.Ordinal))
                end++;
            var isType = Enumerable.Range(Math.Max(0, i - 4), Math.Min(4, i)).Any(k => TypeWord().IsMatch(lines[k]));
            if (!isType)
                yield return (i, end - i - 1);
        }
    }

    [GeneratedRegex(
        @"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException|Thread\.Sleep",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Later();

    /// <summary>Old-fashioned words, and words that make a person of a program.</summary>
    [GeneratedRegex(
        @"\b(anew|for ever|in vain|befalls?|farewell|hears?|heard|told|untold|tells|whoever|lest|owed|hence)\b",
        RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase,
        1000
    )]
    private static partial Regex OldWord();

    [GeneratedRegex(@"DateTime(Offset)?\.(Utc)?Now\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex WallClock();

    [GeneratedRegex(
        @"^(    )?public (static |sealed |abstract |readonly |partial |unsafe )*"
            + @"(class|record|struct|interface|enum|delegate)\b(?!\*)",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex PublicType();

    [GeneratedRegex(@"\b(class|struct|interface|record)\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TypeWord();

    [GeneratedRegex(
        @"registry\.npm|api\.nuget|nuget\.org|deb\.debian|/root/|/home/[a-z]+/|/work/",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Host();

    private sealed record Line(string File, int Number, string Text)
    {
        public override string ToString() => $"{Name(File)}:{Number} {Text.Trim()}";
    }
}
