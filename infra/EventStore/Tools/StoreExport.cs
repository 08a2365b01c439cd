using EventStream.Contracts;
using Marten;
using Marten.Events.Archiving;

namespace EventStream.EventStore.Tools;

/// <summary>
/// Writes the events of a service's store as NDJSON, one <see cref="ExportedEvent"/> a line, in order of position, or
/// of version where one stream is exported.
/// </summary>
public sealed class StoreExport(OpenStore store)
{
    private const int BatchMax = 1000;

    /// <summary>
    /// Exports what is stored at the time of the call: the events after a position, or of a stream after a version.
    /// Returns their number. Waits for the transactions that are open then; throws
    /// <see cref="OpenTransactionException"/> where one stays open.
    /// </summary>
    public async Task<long> RunAsync(
        Stream output,
        Guid? stream,
        ExportPoint after,
        IProgress<long>? progress,
        CancellationToken cancellation
    )
    {
        var (count, at) = (0L, after);
        var upTo = await SettledStore.WaitAsync(store.Source, TimeProvider.System, cancellation);
        while (true)
        {
            var page = await PageAsync(stream, at, upTo, cancellation);
            // Where an append failed, Marten fills its positions with tombstones of its own.
            foreach (var e in page.Where(e => e.Data is IMessage))
            {
                store.Exported(e).WriteTo(output);
                count++;
            }

            await output.FlushAsync(cancellation);
            progress?.Report(count);
            if (page.Count < BatchMax)
                return count;
            at = new ExportPoint(page[^1].Sequence, page[^1].Version);
        }
    }

    /// <summary>
    /// Where an earlier export into a file ended. What is behind its last whole line, which a kill may have left, is
    /// cut off. Throws <see cref="InvalidDataException"/> where the file is no export.
    /// </summary>
    public static async Task<ExportPoint> ResumeAsync(FileStream file, CancellationToken cancellation)
    {
        var end = await LastLineEndAsync(file, cancellation);
        file.SetLength(end);
        file.Position = end;
        if (end == 0)
            return default;
        var start = await LineStartAsync(file, end, cancellation);
        var line = new byte[end - start];
        file.Position = start;
        await file.ReadExactlyAsync(line, cancellation);
        try
        {
            var last = ExportedEvent.Read(System.Text.Encoding.UTF8.GetString(line));
            return new ExportPoint(last.Position, last.Version);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException(
                $"The last line of '{file.Name}' is no exported event: name another file, or remove it.",
                e
            );
        }
    }

    private async Task<IReadOnlyList<JasperFx.Events.IEvent>> PageAsync(
        Guid? stream,
        ExportPoint after,
        long upTo,
        CancellationToken cancellation
    )
    {
        await using var session = store.Documents.QuerySession();
        var events = session.Events.QueryAllRawEvents().Where(e => e.MaybeArchived() && e.Sequence <= upTo);
        var rest = stream is { } id
            ? events.Where(e => e.StreamId == id && e.Version > after.Version)
            : events.Where(e => e.Sequence > after.Position);
        return await rest.OrderBy(e => e.Sequence).Take(BatchMax).ToListAsync(cancellation);
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

/// <summary>The last event of an export: its position in the store and its version in its stream.</summary>
public readonly record struct ExportPoint(long Position, long Version);
