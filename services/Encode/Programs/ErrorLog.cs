namespace EventStream.Encode.Programs;

/// <summary>
/// The end of what a program wrote to standard error: the first lines of a long list say nothing that the last do not.
/// </summary>
internal sealed class ErrorLog
{
    private const int TailLinesMax = 12;

    private const int TailLineLengthMax = 400;

    private readonly Lock sync = new();
    private readonly Queue<string> lines = new();

    /// <summary>Characters written so far.</summary>
    public long Characters { get; private set; }

    /// <summary>The last lines in one.</summary>
    public string Tail
    {
        get
        {
            lock (sync)
                return string.Join(" | ", lines);
        }
    }

    /// <summary>Takes a line and returns the characters so far. Progress lines are counted, not kept.</summary>
    public long Add(string line)
    {
        lock (sync)
        {
            Characters += line.Length + 1;
            if (line.Length == 0 || IsProgress(line))
                return Characters;
            lines.Enqueue(line.Length > TailLineLengthMax ? line[..TailLineLengthMax] : line);
            if (lines.Count > TailLinesMax)
                lines.Dequeue();
            return Characters;
        }
    }

    /// <summary>ffmpeg's line of statistics, which it writes whatever the log level.</summary>
    private static bool IsProgress(string line) =>
        line.Contains("time=", StringComparison.Ordinal) && line.Contains("bitrate=", StringComparison.Ordinal);
}
