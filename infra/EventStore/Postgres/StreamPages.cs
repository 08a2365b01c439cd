using System.Runtime.CompilerServices;
using EventStream.EventStore.Codec;
using Npgsql;

namespace EventStream.EventStore.Postgres;

/// <summary>
/// Reads a stream in pages: no connection is held while the caller works on one, and what lies in memory is bounded.
/// </summary>
internal sealed class StreamPages(NpgsqlDataSource source, EventCodec codec)
{
    /// <summary>
    /// Events of a stream in its first page, which most streams end in. The function gathers it before it sends any of
    /// it, in memory that the server gives back: from some hundred kilobytes on, that doubles what a row costs.
    /// </summary>
    internal const int FirstPageMax = 250;

    /// <summary>Events in each further page of a long stream, which the server sends while it reads them.</summary>
    internal const int PageMax = 1000;

    /// <summary>Pages of a long stream that are read at a time, each over a connection of its own.</summary>
    private const int PagesAhead = 2;

    internal const string ReadFirst =
        $"select {EventRow.OfStream} from fetch_stream($1, $2, $3, $4, $5, $6, $7)";

    /// <summary>
    /// Before a further page, in its transaction: as in <c>fetch_stream</c> the key of stream and version gives the
    /// order, whatever the statistics say.
    /// </summary>
    internal const string InOrder = "select set_config('enable_sort', 'off', true)";

    /// <summary>
    /// A further page. The row of the stream tells the last partition, the events before tell the first one.
    /// </summary>
    internal const string ReadOn =
        $"""
        select {EventRow.OfStream} from events
        where tenant = $1 and stream = $2 and version between $3 and $4 and position >= $5
            and position <= (
                select s.last_position from streams s
                where s.tenant = $1 and s.id = $2 and (s.state = 0 or s.state = 1 and $6))
            and ($7 is null or recorded_at <= $7)
        order by version
        """;

    /// <summary>
    /// The pages of a stream. Where the first one is full the next ones are asked for ahead, so that the server reads
    /// while they are decoded; the last of them is asked for in vain.
    /// </summary>
    public async IAsyncEnumerable<IReadOnlyList<RecordedEvent>> ReadAsync(
        string tenant, string stream, long from, StreamRange range,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (from > range.ToVersion) yield break;
        var page = await ReadFirstAsync(tenant, stream, from, range, cancellation);
        yield return page;
        if (page.Count < FirstPageMax) yield break;
        from += FirstPageMax;
        var after = page[^1].Position;
        var reading = new Queue<Task<IReadOnlyList<RecordedEvent>>>();
        try
        {
            while (true)
            {
                for (; reading.Count < PagesAhead && from <= range.ToVersion; from += PageMax)
                    reading.Enqueue(ReadOnAsync(tenant, stream, from, after, range, cancellation));
                if (!reading.TryDequeue(out var next)) yield break;
                page = await next;
                yield return page;
                if (page.Count < PageMax) yield break;
                after = page[^1].Position;
            }
        }
        finally
        {
            await ((Task)Task.WhenAll(reading)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<IReadOnlyList<RecordedEvent>> ReadFirstAsync(
        string tenant, string stream, long from, StreamRange range, CancellationToken cancellation)
    {
        await using var batch = source.CreateBatch();
        batch.Add(ReadFirst).With(tenant).With(stream).With(from).With(range.ToVersion).With(range.ToTime)
            .With(range.IncludeArchived).With(FirstPageMax);
        return await EventRow.ReadLastAsync(batch, codec, tenant, stream, cancellation);
    }

    private async Task<IReadOnlyList<RecordedEvent>> ReadOnAsync(
        string tenant, string stream, long from, long after, StreamRange range, CancellationToken cancellation)
    {
        await using var batch = source.CreateBatch();
        batch.Add(InOrder);
        batch.Add(ReadOn).With(tenant).With(stream).With(from).With(Math.Min(range.ToVersion, from + PageMax - 1))
            .With(after + 1).With(range.IncludeArchived).With(range.ToTime);
        return await EventRow.ReadLastAsync(batch, codec, tenant, stream, cancellation);
    }
}
