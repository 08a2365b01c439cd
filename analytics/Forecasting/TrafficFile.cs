using System.Globalization;

namespace EventStream.Forecasting;

/// <summary>A load series read from a file: evenly spaced, gaps filled from one week earlier.</summary>
/// <param name="Name">File name without extension.</param>
/// <param name="Start">Start of the first step.</param>
/// <param name="Step">Duration of a step.</param>
/// <param name="Values">One value a step, in the unit of the file.</param>
public sealed record TrafficFile(string Name, DateTimeOffset Start, TimeSpan Step, double[] Values)
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    /// <summary>Steps in a day of 24 hours.</summary>
    public Season Season => new((int)Math.Round(TimeSpan.FromDays(1) / Step), Step);

    /// <summary>
    /// Reads <c>timestamp,value</c> with a header line and ISO-8601 time stamps. Throws <see cref="FormatException"/>
    /// naming file and line when a line is not understood.
    /// </summary>
    public static TrafficFile Read(string path)
    {
        var rows = new List<(DateTimeOffset Time, double Value)>();
        var count = 0;
        foreach (var line in File.ReadLines(path))
        {
            count++;
            if (count == 1 || line.Length == 0)
                continue;
            if (
                line.Split(',') is not [var at, var number]
                || !DateTimeOffset.TryParse(at, Invariant, DateTimeStyles.AssumeUniversal, out var time)
                || !double.TryParse(number, NumberStyles.Float, Invariant, out var value)
            )
                throw new FormatException($"{path} line {count}: expected 'ISO-8601 time,number', found '{line}'.");
            rows.Add((time, value));
        }

        if (rows.Count < 3)
        {
            throw new FormatException($"{path}: a series needs at least three rows, found {rows.Count}.");
        }

        rows.Sort((a, b) => a.Time.CompareTo(b.Time));
        return Grid(Path.GetFileNameWithoutExtension(path), rows);
    }

    private static TrafficFile Grid(string name, List<(DateTimeOffset Time, double Value)> rows)
    {
        var gaps = rows.Zip(rows.Skip(1), (a, b) => b.Time - a.Time).Where(gap => gap > TimeSpan.Zero).Order().ToList();
        var step = gaps[gaps.Count / 2];
        var start = rows[0].Time;
        var values = new double[(int)Math.Round((rows[^1].Time - start) / step) + 1];
        Array.Fill(values, double.NaN);
        foreach (var (time, value) in rows)
            values[(int)Math.Round((time - start) / step)] = value;
        Fill(values, (int)Math.Round(TimeSpan.FromDays(7) / step));
        return new TrafficFile(name, start, step, values);
    }

    private static void Fill(double[] values, int week)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (double.IsNaN(values[i]))
                values[i] =
                    i >= week ? values[i - week]
                    : i > 0 ? values[i - 1]
                    : 0;
        }
    }
}
