namespace EventStream.Processes;

/// <summary>
/// The end of what a program printed, for an error message: the first lines of a long list say nothing that the last
/// do not.
/// </summary>
public sealed class OutputTail
{
    private const int LinesMax = 12;
    private const int LineLengthMax = 400;
    private readonly Queue<string> lines = new();

    /// <summary>The last lines in one.</summary>
    public string Text
    {
        get
        {
            lock (lines)
                return string.Join(" | ", lines);
        }
    }

    /// <summary>Takes a line; empty ones are passed over.</summary>
    public void Add(string line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;
        lock (lines)
        {
            lines.Enqueue(line.Length > LineLengthMax ? line[..LineLengthMax] : line);
            if (lines.Count > LinesMax)
                lines.Dequeue();
        }
    }

    /// <summary>Takes all that a program prints, so that it never blocks, until it ends.</summary>
    public async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
            Add(line);
    }
}
