using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// The events in (From, To], in order of position; <see cref="Bad"/> stands alone on its page where the next event
/// cannot be read.
/// </summary>
internal sealed record EventPage(long From, long To, IReadOnlyList<RecordedEvent> Events, BadEvent? Bad = null);

/// <summary>An event whose bytes this program cannot read, and why.</summary>
internal sealed record BadEvent(RecordedEvent Recorded, Exception Cause);

/// <summary>What stands for the data of an event that cannot be read.</summary>
internal sealed record UnreadableEvent : IEvent;

/// <summary>Reads pages ahead of who handles them: while one is written, the next is fetched and decoded.</summary>
internal sealed class EventPages(PostgresEventStore store, NpgsqlDataSource source)
{
    /// <summary>Pages read ahead.</summary>
    private const int AheadMax = 2;

    /// <summary>Pages after a position, for ever, up to the mark as it moves.</summary>
    public IAsyncEnumerable<EventPage> Follow(long after, int max, MarkWatch mark, CancellationToken cancellation) =>
        Ahead(Read(after, max, mark.BeyondAsync, cancellation), max, cancellation);

    /// <summary>Pages in (after, upTo], as they are visible now.</summary>
    public IAsyncEnumerable<EventPage> ReadTo(long after, long upTo, int max, CancellationToken cancellation) =>
        Ahead(Read(after, max, (from, _) => Task.FromResult(from < upTo ? upTo : -1), cancellation), max,
            cancellation);

    /// <summary><paramref name="bound"/> says up to where to read from a position on; -1 ends.</summary>
    private async IAsyncEnumerable<EventPage> Read(
        long after, int max, Func<long, CancellationToken, Task<long>> bound,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            var upTo = await bound(after, cancellation);
            if (upTo < 0) yield break;
            var page = await PageAsync(after, upTo, max, cancellation);
            yield return page;
            after = page.To;
        }
    }

    private async Task<EventPage> PageAsync(long after, long upTo, int max, CancellationToken cancellation)
    {
        try
        {
            var events = await store.ReadRangeAsync(after, upTo, max, cancellation);
            return new EventPage(after, EndOf(events, after, upTo, max), events);
        }
        catch (Exception e) when (Unreadable(e))
        {
            // Half the page, down to the one event that cannot be read.
            if (max > 1) return await PageAsync(after, upTo, max / 2, cancellation);
            var recorded = await DescribeAsync(after, cancellation);
            return new EventPage(after, recorded.Position, [], new BadEvent(recorded, e));
        }
    }

    /// <summary>
    /// The store answers with what the first window of positions holds that holds anything; only a short range is
    /// known to be read to its end.
    /// </summary>
    private static long EndOf(IReadOnlyList<RecordedEvent> events, long after, long upTo, int max) =>
        events.Count == 0 || (events.Count < max && upTo - after <= PostgresEventStore.WindowMin)
            ? upTo : events[^1].Position;

    private static bool Unreadable(Exception e) =>
        e is UnknownMessageException or JsonException or NotSupportedException or FormatException;

    private async Task<RecordedEvent> DescribeAsync(long after, CancellationToken cancellation)
    {
        await using var command = source.CreateCommand(
            """
            select position, stream, version, id, name, recorded_at from events
            where position > $1 order by position limit 1
            """);
        command.Parameters.Add(new() { Value = after });
        await using var row = await command.ExecuteReaderAsync(cancellation);
        await row.ReadAsync(cancellation);
        return new RecordedEvent(
            row.GetInt64(0), row.GetString(1), row.GetInt64(2), row.GetGuid(3), row.GetString(4), new UnreadableEvent(),
            EventMetadata.None, row.GetFieldValue<DateTimeOffset>(5));
    }

    /// <summary>
    /// Pages that were read while the one before was handled come as one: what has a price a batch, a transaction of
    /// Kafka for example, is paid once for all that wait, so that a reader that is slower than the writers does not
    /// fall behind.
    /// </summary>
    private static async IAsyncEnumerable<EventPage> Ahead(
        IAsyncEnumerable<EventPage> pages, int max, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var channel = Channel.CreateBounded<EventPage>(AheadMax);
        var reader = Task.Run(
            async () =>
            {
                try
                {
                    await foreach (var page in pages.WithCancellation(reading.Token))
                        await channel.Writer.WriteAsync(page, reading.Token);
                    channel.Writer.Complete();
                }
                catch (Exception e)
                {
                    channel.Writer.Complete(e);
                }
            }, CancellationToken.None);
        try
        {
            await foreach (var page in channel.Reader.ReadAllAsync(cancellation))
                yield return WithWaiting(page, channel.Reader, max);
        }
        finally
        {
            await reading.CancelAsync();
            await reader;
        }
    }

    private static EventPage WithWaiting(EventPage page, ChannelReader<EventPage> waiting, int max)
    {
        while (page.Bad is null && waiting.TryPeek(out var next) && next.Bad is null
            && page.Events.Count + next.Events.Count <= max && waiting.TryRead(out _))
            page = new EventPage(page.From, next.To, [.. page.Events, .. next.Events]);
        return page;
    }
}
