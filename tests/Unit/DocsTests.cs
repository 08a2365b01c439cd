using System.Text.Json;
using System.Text.RegularExpressions;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests;

/// <summary>Documents name what exists, and decisions say whether they hold.</summary>
public sealed partial class DocsTests
{
    [Fact]
    public void A_document_names_only_files_that_exist()
    {
        var missing =
            from file in Documents()
            from line in File.ReadLines(file).Select((text, i) => (text, number: i + 1))
            from Match match in RepositoryPath().Matches(line.text)
            let path = match.Groups["path"].Value
            where !Exists(Path.Combine(Checkout.Root, path))
            select $"{Path.GetRelativePath(Checkout.Root, file)}:{line.number} {path}";
        Assert.Empty(missing);
    }

    [Fact]
    public void A_decision_has_a_status_and_a_date()
    {
        var without =
            from file in Directory.GetFiles(Path.Combine(Checkout.Root, "docs", "decisions"), "*.md")
            where !File.ReadLines(file).Take(4).Any(line => Status().IsMatch(line))
            select Path.GetFileName(file);
        Assert.Empty(without);
    }

    [Fact]
    public void A_superseded_decision_says_by_which()
    {
        var folder = Path.Combine(Checkout.Root, "docs", "decisions");
        var numbers = Directory.GetFiles(folder, "*.md").Select(file => Path.GetFileName(file)[..4]).ToHashSet();
        var lost =
            from file in Directory.GetFiles(folder, "*.md")
            from Match match in By().Matches(File.ReadAllText(file))
            where !numbers.Contains(match.Groups["number"].Value)
            select $"{Path.GetFileName(file)} names {match.Groups["number"].Value}";
        Assert.Empty(lost);
    }

    [Fact]
    public void Every_package_of_the_executable_is_in_the_notices()
    {
        using var locked = JsonDocument.Parse(
            File.ReadAllText(Path.Combine(Checkout.Root, "services", "Cli", "packages.lock.json"))
        );
        var notices = File.ReadAllText(Path.Combine(Checkout.Root, "THIRD-PARTY-NOTICES.md"));
        var missing =
            from framework in locked.RootElement.GetProperty("dependencies").EnumerateObject()
            from package in framework.Value.EnumerateObject()
            where package.Value.GetProperty("type").GetString() != "Project"
            // An analyzer is no part of what is built.
            where package.Name != "Meziantou.Analyzer"
            where !notices.Contains($"| {package.Name} |", StringComparison.Ordinal)
            select package.Name;
        Assert.Empty(missing);
    }

    private static IEnumerable<string> Documents() => Checkout.Files("*.md").Where(file => !IsSuperseded(file));

    /// <summary>A superseded decision may name what is gone.</summary>
    private static bool IsSuperseded(string file) =>
        file.Contains("/decisions/", StringComparison.Ordinal)
        && File.ReadLines(file).Take(4).Any(line => line.StartsWith("Status: superseded", StringComparison.Ordinal));

    private static bool Exists(string path) => File.Exists(path) || Directory.Exists(path);

    [GeneratedRegex(
        @"`(?<path>(services|analytics|infra|tests|docs)/[A-Za-z0-9_./-]*[A-Za-z0-9_])/?`",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex RepositoryPath();

    [GeneratedRegex(@"^Status: (accepted|superseded by \d{4}), 20\d\d-\d\d-\d\d", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Status();

    [GeneratedRegex(
        @"^Status: superseded by (?<number>\d{4})",
        RegexOptions.ExplicitCapture | RegexOptions.Multiline,
        1000
    )]
    private static partial Regex By();
}
