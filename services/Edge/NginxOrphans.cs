using System.Diagnostics;
using System.Globalization;

namespace EventStream.Edge;

/// <summary>
/// Ends the worker processes of an edge whose master process was killed: they go on serving its port, so that no
/// other edge could take it. They are distinguished from any other nginx by the files of the edge's folder that they
/// hold open.
/// </summary>
internal static class NginxOrphans
{
    private const string Program = "nginx";

    /// <summary>Kills every nginx process that holds a file below this folder and returns when all are gone.</summary>
    public static async Task EndAsync(string folder, CancellationToken cancellation)
    {
        foreach (var id in Find(Path.GetFullPath(folder) + Path.DirectorySeparatorChar).ToArray())
        {
            try
            {
                using var process = Process.GetProcessById(id);
                process.Kill();
                await process.WaitForExitAsync(cancellation);
            }
            catch (ArgumentException)
            {
                // It ended between the two looks.
            }
        }
    }

    private static IEnumerable<int> Find(string folder)
    {
        foreach (var entry in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(entry), CultureInfo.InvariantCulture, out var id) && Holds(entry, folder))
                yield return id;
        }
    }

    private static bool Holds(string entry, string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(entry, "comm")).TrimEnd() == Program
                && Directory
                    .EnumerateFiles(Path.Combine(entry, "fd"))
                    .Any(file => new FileInfo(file).LinkTarget?.StartsWith(folder, StringComparison.Ordinal) == true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
