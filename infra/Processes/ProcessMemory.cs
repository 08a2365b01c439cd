using System.Globalization;

namespace EventStream.Processes;

/// <summary>
/// Memory of a process and its descendants, in bytes. Resident counts pages that several processes share once for each;
/// proportional divides them among those that share, so that it may be added up.
/// </summary>
public sealed record ProcessMemory(long ResidentBytes, long ProportionalBytes)
{
    public static readonly ProcessMemory None = new(0, 0);

    /// <summary>
    /// Looks into <c>/proc</c> once and adds up each of these processes and its descendants. Processes that end
    /// meanwhile are left out.
    /// </summary>
    public static IReadOnlyDictionary<int, ProcessMemory> OfTrees(IReadOnlySet<int> roots)
    {
        var parents = new Dictionary<int, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id))
                continue;
            if (ParentOf(folder) is { } parent)
                parents[id] = parent;
        }

        var sums = roots.ToDictionary(root => root, _ => None);
        foreach (var id in parents.Keys)
        {
            if (RootOf(id, roots, parents) is not { } root || Read(id) is not { } memory)
                continue;
            sums[root] = new ProcessMemory(
                sums[root].ResidentBytes + memory.ResidentBytes,
                sums[root].ProportionalBytes + memory.ProportionalBytes
            );
        }

        return sums;
    }

    private static int? RootOf(int id, IReadOnlySet<int> roots, Dictionary<int, int> parents)
    {
        for (var at = id; at > 1; at = parents.GetValueOrDefault(at))
        {
            if (roots.Contains(at))
                return at;
        }

        return null;
    }

    private static int? ParentOf(string folder)
    {
        try
        {
            // The second field is the program's name in parentheses, which may hold anything.
            var stat = File.ReadAllText(Path.Combine(folder, "stat"));
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static ProcessMemory? Read(int id)
    {
        try
        {
            long resident = 0,
                proportional = 0;
            foreach (var line in File.ReadLines($"/proc/{id}/smaps_rollup"))
            {
                if (line.StartsWith("Rss:", StringComparison.Ordinal))
                    resident = Kilobytes(line);
                else if (line.StartsWith("Pss:", StringComparison.Ordinal))
                    proportional = Kilobytes(line);
            }

            return new ProcessMemory(resident, proportional);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long Kilobytes(string line) =>
        1024 * long.Parse(line[4..^2].AsSpan().Trim(), CultureInfo.InvariantCulture);
}
