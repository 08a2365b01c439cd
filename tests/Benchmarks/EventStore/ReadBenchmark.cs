using EventStream.Contracts;
using EventStream.EventStore;
using Npgsql;

namespace EventStream.Benchmarks.EventStore;

/// <summary>
/// Live aggregation and catch-up reads beside the same rows read and parsed by hand with a prepared statement.
/// </summary>
internal static class ReadBenchmark
{
    private const int Short = 100;
    private const int Streams = 100;
    private const int Long = 10_000;
    private const int Page = 500;

    private const int Turns = 5;
    private const int LongTurns = 15;

    private const string RawStream =
        "select position, stream, version, id, name, data, metadata, recorded_at from raw_events "
        + "where stream = $1 order by version";
    private const string RawAll =
        "select position, stream, version, id, name, data, metadata, recorded_at from raw_events "
        + "where position > $1 order by position limit $2";

    private static readonly Aggregate<int> Counter = new("read", 0, (count, _) => count + 1);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        await using var bench = await BenchStore.StartAsync();
        for (var i = 0; i < Streams; i++) await FillAsync(bench, $"read-{i}", Short);
        await FillAsync(bench, "read-long", Long);
        await bench.ExecuteAsync("analyze");
        const int Total = (Streams * Short) + Long;
        var shorts = await Measure.RatesAsync(
            Measure.Many, Streams * Short * Turns, () => ManyAsync(() => AggregateAsync(bench, Streams, "read-{0}")),
            () => ManyAsync(() => RawAsync(bench, Streams, "read-{0}")));
        var longs = await Measure.RatesAsync(
            Measure.Many, Long * LongTurns, () => AggregateAsync(bench, LongTurns, "read-long"),
            () => RawAsync(bench, LongTurns, "read-long"));
        var log = await Measure.RatesAsync(
            Measure.Many, Total * Turns, () => ManyAsync(() => CatchUpAsync(bench, Total)),
            () => ManyAsync(() => RawCatchUpAsync(bench, Total)));
        return
        [
            Figure.AgainstLimit($"live aggregation of {Short}", "events/s", shorts[0], shorts[1], ">= 0.85"),
            Figure.AgainstLimit($"live aggregation of {Long}", "events/s", longs[0], longs[1], ">= 0.85"),
            Figure.AgainstLimit($"catch-up by {Page}", "events/s", log[0], log[1], ">= 0.85"),
        ];
    }

    private static async Task FillAsync(BenchStore bench, string stream, int length)
    {
        for (var version = 0; version < length; version += Short)
        {
            var events = Samples.Events(Short);
            await bench.Store.AppendAsync(
                stream, ExpectedVersion.Exactly(version), events, EventMetadata.None, CancellationToken.None);
            await bench.InsertAsync(stream, version, events);
        }
    }

    private static async Task ManyAsync(Func<Task> once)
    {
        for (var turn = 0; turn < Turns; turn++) await once();
    }

    private static async Task AggregateAsync(BenchStore bench, int times, string stream)
    {
        for (var i = 0; i < times; i++)
        {
            var id = string.Format(System.Globalization.CultureInfo.InvariantCulture, stream, i)["read-".Length..];
            if (!(await bench.Store.AggregateStreamAsync(Counter, id)).Exists)
                throw new InvalidOperationException("Nothing was read.");
        }
    }

    private static async Task RawAsync(BenchStore bench, int times, string stream)
    {
        for (var i = 0; i < times; i++)
        {
            var one = string.Format(System.Globalization.CultureInfo.InvariantCulture, stream, i);
            if (await RawLoadAsync(bench, one) == 0) throw new InvalidOperationException("Nothing was read.");
        }
    }

    /// <summary>Reads and parses a stream by hand, and counts its events.</summary>
    public static async Task<int> RawLoadAsync(BenchStore bench, string stream)
    {
        await using var command = bench.Source.CreateCommand(RawStream);
        command.Parameters.AddWithValue(stream);
        return (await ReadAsync(command)).Count;
    }

    private static async Task CatchUpAsync(BenchStore bench, int total)
    {
        var (after, count) = (0L, 0);
        while (count < total)
        {
            var page = await bench.Store.ReadAllAsync(after, Page, CancellationToken.None);
            count += page.Count;
            after = page[^1].Position;
        }
    }

    private static async Task RawCatchUpAsync(BenchStore bench, int total)
    {
        var (after, count) = (0L, 0);
        while (count < total)
        {
            await using var command = bench.Source.CreateCommand(RawAll);
            command.Parameters.AddWithValue(after);
            command.Parameters.AddWithValue(Page);
            var (read, last) = await ReadAsync(command);
            count += read;
            after = last;
        }
    }

    /// <summary>Every column, and the event parsed.</summary>
    private static async Task<(int Count, long Last)> ReadAsync(NpgsqlCommand command)
    {
        await using var row = await command.ExecuteReaderAsync();
        var events = new List<(IMessage, string, Guid, DateTime)>();
        var last = 0L;
        while (await row.ReadAsync())
        {
            last = row.GetInt64(0);
            _ = row.GetFieldValue<byte[]>(6);
            events.Add((
                MessageTypes.Read(row.GetString(4), row.GetFieldValue<byte[]>(5)), row.GetString(1), row.GetGuid(3),
                row.GetDateTime(7)));
        }

        return (events.Count, last);
    }
}
