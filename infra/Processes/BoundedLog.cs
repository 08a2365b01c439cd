namespace EventStream.Processes;

/// <summary>
/// The log file of one child. It holds at most <see cref="BytesMax"/>; what is older is in one file beside it
/// (<c>.1</c>), what is older still is gone. The last lines are kept in memory to explain an unexpected end.
/// </summary>
public sealed class BoundedLog : IDisposable
{
    /// <summary>Size of the file, in bytes.</summary>
    public const long BytesMax = 8 << 20;

    private const int TailLines = 8;

    /// <summary>A line longer than this is cut; no child of ours means to write one.</summary>
    private const int LineLengthMax = 16 * 1024;

    private readonly Lock gate = new();
    private readonly Queue<string> tail = new(TailLines);
    private readonly string path;
    private StreamWriter writer;

    /// <summary>Appends to the file at <paramref name="path"/>, which is created where it is missing.</summary>
    public BoundedLog(string path)
    {
        this.path = path;
        writer = Open(path);
    }

    /// <summary>The last lines, oldest first.</summary>
    public IReadOnlyList<string> Tail
    {
        get
        {
            lock (gate)
                return [.. tail];
        }
    }

    /// <summary>Copies a stream line by line until it ends.</summary>
    public async Task CopyAsync(StreamReader reader)
    {
        try
        {
            while (await reader.ReadLineAsync() is { } line)
                Write(line);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The child's end of the pipe is gone, which is the end of the log too.
        }
    }

    /// <summary>Adds a line.</summary>
    public void Write(string line)
    {
        if (line.Length > LineLengthMax)
            line = line[..LineLengthMax];
        lock (gate)
        {
            if (tail.Count == TailLines)
                tail.Dequeue();
            tail.Enqueue(line);
            if (writer.BaseStream.Position + line.Length > BytesMax)
                Rotate();
            writer.WriteLine(line);
        }
    }

    public void Dispose()
    {
        lock (gate)
            writer.Dispose();
    }

    private static StreamWriter Open(string path) =>
        new(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
        {
            AutoFlush = true,
        };

    private void Rotate()
    {
        writer.Dispose();
        File.Move(path, path + ".1", overwrite: true);
        writer = Open(path);
    }
}
