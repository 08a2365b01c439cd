using System.Diagnostics;
using System.Globalization;

namespace EventStream.Journey;

/// <summary>
/// Live progress on the console: steps, lines, and one line that is written over where the output is a terminal.
/// </summary>
public sealed class Show
{
    private static readonly TimeSpan QuietInterval = TimeSpan.FromSeconds(5);
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private TimeSpan lastLive = TimeSpan.MinValue;
    private bool liveOpen;

    public TimeSpan Elapsed => clock.Elapsed;

    public void Step(int number, string title)
    {
        Close();
        System.Console.WriteLine();
        System.Console.WriteLine($"[{number, 2}/10] {title}");
    }

    public void Line(string text)
    {
        Close();
        System.Console.WriteLine(Stamp(text));
    }

    /// <summary>Text that replaces itself on a terminal; elsewhere a line every few seconds.</summary>
    public void Live(string text)
    {
        if (!System.Console.IsOutputRedirected)
        {
            System.Console.Write($"\r\x1b[2K{Stamp(text)}");
            liveOpen = true;
        }
        else if (lastLive == TimeSpan.MinValue || clock.Elapsed - lastLive > QuietInterval)
        {
            System.Console.WriteLine(Stamp(text));
            lastLive = clock.Elapsed;
        }
    }

    private string Stamp(string text) =>
        string.Create(CultureInfo.InvariantCulture, $"  {clock.Elapsed:mm\\:ss}  {text}");

    private void Close()
    {
        if (liveOpen)
            System.Console.WriteLine();
        liveOpen = false;
    }
}
