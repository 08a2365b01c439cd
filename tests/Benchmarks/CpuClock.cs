using System.Globalization;

namespace EventStream.Benchmarks;

/// <summary>What this process, its programs, and every process of a PostgreSQL have used of the CPU.</summary>
internal static class CpuClock
{
    /// <summary>Ticks a second of <c>/proc</c>.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>CPU seconds so far; <paramref name="folder"/> is that of the cluster.</summary>
    public static double Seconds(string folder)
    {
        var postmaster = File.ReadLines(Path.Combine(folder, "data", "postmaster.pid")).First();
        var server = Directory
            .EnumerateDirectories("/proc")
            .Select(Path.GetFileName)
            .Where(name => int.TryParse(name, out _))
            .Sum(pid => Ticks(pid!, postmaster));
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        return (server / TicksPerSecond) + self.TotalProcessorTime.TotalSeconds;
    }

    /// <summary>CPU seconds of the programs that this process started and that have ended.</summary>
    public static double ChildSeconds() => Ticks("self", 13..15) / TicksPerSecond;

    /// <summary>CPU seconds of a process, and of the programs that it started and that have ended.</summary>
    public static double SecondsOf(int process) => Ticks($"{process}", 11..15) / TicksPerSecond;

    private static long Ticks(string process, Range fields)
    {
        var text = File.ReadAllText($"/proc/{process}/stat");
        var all = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return all[fields].Sum(ticks => long.Parse(ticks, CultureInfo.InvariantCulture));
    }

    /// <summary>User and system time of the postmaster with its dead children, or of a living child of it.</summary>
    private static long Ticks(string pid, string postmaster)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            long Field(int index) => long.Parse(fields[index], CultureInfo.InvariantCulture);
            if (pid == postmaster)
                return Field(11) + Field(12) + Field(13) + Field(14);
            return fields[1] == postmaster ? Field(11) + Field(12) : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
