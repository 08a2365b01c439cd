namespace EventStream.Tests.Kit;

/// <summary>The source tree that the tests were built from.</summary>
public static class Checkout
{
    private static readonly string[] NotOurs = ["/bin/", "/obj/", "/artifacts/", "/node_modules/", "/.git/"];

    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = Find();

    /// <summary>Files of the tree that match, without what builds produce.</summary>
    public static IEnumerable<string> Files(string pattern) =>
        Directory
            .EnumerateFiles(Root, pattern, SearchOption.AllDirectories)
            .Where(file => !NotOurs.Any(part => file[Root.Length..].Contains(part, StringComparison.Ordinal)));

    /// <summary>The C# files of the tree.</summary>
    public static IEnumerable<string> SourceFiles() => Files("*.cs");

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "EventStream.sln")))
            folder = folder.Parent;
        return folder?.FullName
            ?? throw new InvalidOperationException("EventStream.sln was not found above the tests.");
    }
}
