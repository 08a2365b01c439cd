using System.Text;

namespace EventStream.Journey.Report;

/// <summary>A line of a chart. A null value breaks the line.</summary>
public sealed record Series(
    string Name,
    string Color,
    IReadOnlyList<(double X, double? Y)> Points,
    bool Stepped = false
);

/// <summary>Small charts as SVG, without any script: they print and can be sent by mail.</summary>
public static class Svg
{
    private const int Width = 860;
    private const int Height = 260;
    private const int Left = 56;
    private const int Right = 16;
    private const int Top = 30;
    private const int Bottom = 34;

    /// <summary>Lines over a common axis, with an optional band between two of them drawn first.</summary>
    public static string Lines(
        string label,
        string unitX,
        IReadOnlyList<Series> series,
        (Series Low, Series High)? band = null
    )
    {
        var all = series.Concat(band is { } b ? [b.Low, b.High] : []).SelectMany(s => s.Points).ToList();
        if (all.Count == 0)
            return "<p>No data.</p>";
        var (minX, maxX) = (all.Min(p => p.X), Math.Max(all.Max(p => p.X), all.Min(p => p.X) + 1));
        var maxY = Nice(all.Max(p => p.Y ?? 0));
        double X(double x) => Left + ((x - minX) / (maxX - minX) * (Width - Left - Right));
        double Y(double y) => Height - Bottom - (y / maxY * (Height - Top - Bottom));
        var svg = Open(label);
        Axes(svg, unitX, minX, maxX, maxY, X, Y);
        if (band is { } range)
            Band(svg, range, X, Y);
        for (var i = 0; i < series.Count; i++)
        {
            svg.Append(
                (
                    $"<path d=\"{Path(series[i], X, Y)}\" fill=\"none\" stroke=\"{series[i].Color}\" "
                    + $"stroke-width=\"2\"/>"
                )
            );
            svg.Append(
                $"<rect x=\"{Left + (i * 190)}\" y=\"8\" width=\"12\" height=\"4\" fill=\"{series[i].Color}\"/>"
            );
            svg.Append($"<text x=\"{Left + 18 + (i * 190)}\" y=\"14\">{Escape(series[i].Name)}</text>");
        }

        return svg.Append("</svg>").ToString();
    }

    /// <summary>Horizontal bars from a start to an end, one a row.</summary>
    public static string Bars(
        string label,
        string unit,
        IReadOnlyList<(string Name, double From, double To, string Note)> rows
    )
    {
        if (rows.Count == 0)
            return "<p>No data.</p>";
        const int row = 24;
        const int names = 150;
        var height = (rows.Count * row) + 30;
        var max = Nice(rows.Max(r => r.To));
        double X(double x) => names + (x / max * (Width - names - 150));
        var svg = new StringBuilder(
            ($"<svg viewBox=\"0 0 {Width} {height}\" role=\"img\" " + $"aria-label=\"{Escape(label)}\">")
        );
        for (var i = 0; i < rows.Count; i++)
        {
            var (name, from, to, note) = rows[i];
            var y = i * row;
            svg.Append($"<text x=\"{names - 8}\" y=\"{y + 16}\" text-anchor=\"end\">{Escape(name)}</text>");
            svg.Append(
                (
                    $"<rect class=\"bar\" x=\"{X(from):0.0}\" y=\"{y + 4}\" "
                    + $"width=\"{Math.Max(2, X(to) - X(from)):0.0}\" height=\"16\" rx=\"3\"/>"
                )
            );
            svg.Append($"<text x=\"{X(to) + 6:0.0}\" y=\"{y + 16}\">{Escape(note)}</text>");
        }

        svg.Append($"<text x=\"{names}\" y=\"{height - 8}\">0 to {max:0} {Escape(unit)}</text>");
        return svg.Append("</svg>").ToString();
    }

    private static StringBuilder Open(string label) =>
        new(($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" " + $"aria-label=\"{Escape(label)}\">"));

    private static void Axes(
        StringBuilder svg,
        string unitX,
        double minX,
        double maxX,
        double maxY,
        Func<double, double> x,
        Func<double, double> y
    )
    {
        for (var i = 0; i <= 4; i++)
        {
            var (valueY, valueX) = (maxY * i / 4, minX + ((maxX - minX) * i / 4));
            svg.Append(
                (
                    $"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{y(valueY):0.0}\" "
                    + $"y2=\"{y(valueY):0.0}\"/>"
                )
            );
            svg.Append($"<text x=\"{Left - 6}\" y=\"{y(valueY) + 4:0.0}\" text-anchor=\"end\">{valueY:0.##}</text>");
            var anchor =
                i == 0 ? "start"
                : i == 4 ? "end"
                : "middle";
            svg.Append(
                (
                    $"<text x=\"{x(valueX):0.0}\" y=\"{Height - 12}\" text-anchor=\"{anchor}\">{valueX:0} "
                    + $"{Escape(unitX)}</text>"
                )
            );
        }
    }

    private static void Band(
        StringBuilder svg,
        (Series Low, Series High) band,
        Func<double, double> x,
        Func<double, double> y
    )
    {
        var high = band.High.Points.Where(p => p.Y is not null).ToList();
        var low = band.Low.Points.Where(p => p.Y is not null).Reverse().ToList();
        if (high.Count == 0 || low.Count == 0)
            return;
        var points = high.Concat(low).Select(p => $"{x(p.X):0.0},{y(p.Y!.Value):0.0}");
        svg.Append($"<polygon points=\"{string.Join(' ', points)}\" fill=\"{band.High.Color}\" opacity=\"0.18\"/>");
    }

    private static string Path(Series series, Func<double, double> x, Func<double, double> y)
    {
        var path = new StringBuilder();
        double? last = null;
        foreach (var (px, py) in series.Points)
        {
            if (py is { } value)
            {
                if (last is { } before && series.Stepped)
                    path.Append($"L{x(px):0.0} {y(before):0.0}");
                path.Append($"{(last is null ? 'M' : 'L')}{x(px):0.0} {y(value):0.0}");
            }

            last = py;
        }

        return path.ToString();
    }

    /// <summary>The next round number above a maximum.</summary>
    private static double Nice(double max)
    {
        if (max <= 0)
            return 1;
        var power = Math.Pow(10, Math.Floor(Math.Log10(max)));
        return ((double[])[1, 2, 2.5, 4, 5, 8, 10]).Select(step => step * power).First(value => value >= max * 0.999);
    }

    private static string Escape(string text) => System.Net.WebUtility.HtmlEncode(text);
}
