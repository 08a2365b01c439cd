using System.Text;

namespace EventStream.Processes;

/// <summary>Reads lines of any length in bounded memory: what a hostile file makes a program print has none.</summary>
public static class BoundedLines
{
    private const int BufferSize = 4096;

    /// <summary>
    /// Hands each line to <paramref name="take"/>, without its end. Of a line with more than
    /// <paramref name="charactersMax"/> characters, so many are kept, the last of them being the last of the line.
    /// <paramref name="onRead"/> is called whenever something was read.
    /// </summary>
    public static async Task ReadAsync(
        TextReader reader,
        int charactersMax,
        Action<string> take,
        Action onRead,
        CancellationToken cancellation
    )
    {
        var buffer = new char[BufferSize];
        var line = new StringBuilder();
        var begun = false;
        while (await reader.ReadAsync(buffer, cancellation) is > 0 and var read)
        {
            onRead();
            foreach (var c in buffer.AsSpan(0, read))
            {
                begun = c != '\n';
                if (!begun)
                    Hand();
                else if (line.Length < charactersMax)
                    line.Append(c);
                else
                    line[^1] = c;
            }
        }

        if (begun)
            Hand();

        void Hand()
        {
            if (line.Length > 0 && line[^1] == '\r')
                line.Length--;
            take(line.ToString());
            line.Clear();
        }
    }
}
