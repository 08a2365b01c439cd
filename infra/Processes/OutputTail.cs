using System.Diagnostics;

namespace EventStream.Processes;

/// <summary>
/// Reads all that a process prints, so that it never blocks, and keeps the last lines for an error message.
/// </summary>
public sealed class OutputTail
{
    private const int LinesMax = 10;
    private readonly Queue<string> lines = new();

    public OutputTail(Process process)
    {
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The last lines in one.</summary>
    public string Text
    {
        get
        {
            lock (lines)
                return string.Join(" | ", lines);
        }
    }

    private void Add(string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
            return;
        lock (lines)
        {
            lines.Enqueue(line);
            if (lines.Count > LinesMax)
                lines.Dequeue();
        }
    }
}
