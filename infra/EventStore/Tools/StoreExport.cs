using EventStream.Contracts;

namespace EventStream.EventStore.Tools;

/// <summary>
/// Writes the events of a service's store as NDJSON, one <see cref="ExportedEvent"/> a line, in order of position.
/// </summary>
public sealed class StoreExport(OpenStore store)
{
    /// <summary>
    /// Exports what is stored after a position at the time of the call, or what one stream has there. Returns the
    /// number of events. Waits for the transactions that are open then; throws <see cref="OpenTransactionException"/>
    /// where one stays open.
    /// </summary>
    public async Task<long> RunAsync(
        Stream output,
        Guid? stream,
        long after,
        IProgress<long>? progress,
        CancellationToken cancellation
    )
    {
        var count = 0L;
        await foreach (var page in store.PagesAsync(stream, after, long.MaxValue, cancellation))
        {
            // Where an append failed, Marten fills its positions with tombstones of its own.
            foreach (var e in page.Where(e => e.Data is IMessage))
            {
                store.Exported(e).WriteTo(output);
                count++;
            }

            await output.FlushAsync(cancellation);
            progress?.Report(count);
        }

        return count;
    }

    /// <summary>
    /// The position at which an earlier export into a file ended; 0 for an empty one. What is behind its last whole
    /// line, which a kill may have left, is cut off. Throws <see cref="InvalidDataException"/> where the file is no
    /// export.
    /// </summary>
    public static async Task<long> ResumeAsync(FileStream file, CancellationToken cancellation)
    {
        var end = await LastLineEndAsync(file, cancellation);
        file.SetLength(end);
        file.Position = end;
        if (end == 0)
            return 0;
        var start = await LineStartAsync(file, end, cancellation);
        var line = new byte[end - start];
        file.Position = start;
        await file.ReadExactlyAsync(line, cancellation);
        try
        {
            return ExportedEvent.Read(System.Text.Encoding.UTF8.GetString(line)).Position;
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException(
                $"The last line of '{file.Name}' is no exported event: name another file, or remove it.",
                e
            );
        }
    }

    /// <summary>The length of the file up to and with its last line feed.</summary>
    private static Task<long> LastLineEndAsync(FileStream file, CancellationToken cancellation) =>
        LineStartAsync(file, file.Length + 1, cancellation);

    /// <summary>The place after the last line feed before <paramref name="end"/> - 1.</summary>
    private static async Task<long> LineStartAsync(FileStream file, long end, CancellationToken cancellation)
    {
        var buffer = new byte[64 * 1024];
        for (var to = end - 1; to > 0; )
        {
            var from = Math.Max(0, to - buffer.Length);
            var part = buffer.AsMemory(0, (int)(to - from));
            file.Position = from;
            await file.ReadExactlyAsync(part, cancellation);
            var found = part.Span.LastIndexOf((byte)'\n');
            if (found >= 0)
                return from + found + 1;
            to = from;
        }

        return 0;
    }
}
