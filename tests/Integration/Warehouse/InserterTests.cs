using ClickHouse.Driver;
using EventStream.Contracts;
using EventStream.Tests.Kit;
using EventStream.Warehouse;
using EventStream.Warehouse.Schema;
using EventStream.Warehouse.Sink;
using EventStream.Warehouse.Sink.Rows;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.Warehouse;

/// <summary>How batches reach ClickHouse: once, however large, and without the rows that cannot be stored.</summary>
[Collection(EmbeddedClickHouseCollection.Name)]
public sealed class InserterTests(EmbeddedClickHouse engine)
{
    private static readonly DateTimeOffset At = new(2026, 11, 22, 8, 0, 0, TimeSpan.Zero);
    private static readonly SinkOptions Options = new();

    [Fact]
    public async Task A_batch_larger_than_the_driver_s_own_is_stored_whole_and_its_repetition_once()
    {
        const string Name = "larger";
        var rows = new InsertOptions().BatchSize + 1;
        var batch = Batch(Enumerable.Range(0, rows).Select(i => Record(i, Load(Name, i))));
        var (client, inserter) = await StartAsync();
        using (client)
        {
            await inserter.InsertAsync(batch.Tables.Single(), "larger-1", new SinkBatch(Options), default);
            await inserter.InsertAsync(batch.Tables.Single(), "larger-1", new SinkBatch(Options), default);
        }

        Assert.Equal($"[{rows},{rows}]", await StoredAsync(Name));
    }

    [Fact]
    public async Task A_row_that_the_driver_cannot_write_becomes_a_dead_letter_and_the_others_are_stored_once()
    {
        const string Name = "unwritable";
        var batch = Batch(Enumerable.Range(0, 10).Select(i => Record(i, Load(Name, i))));
        var (load, values) = batch.Tables.Single() is { Table: var table, Rows: [var row, ..] }
            ? (table, row.Values.ToArray())
            : throw new InvalidOperationException("There is no row.");
        values[1] = "no time";
        batch.Add(load, new StoredRow(Record(10, Load(Name, 10)), values));
        var (client, inserter) = await StartAsync();
        using (client)
        {
            for (var time = 0; time < 2; time++)
            {
                var letters = new SinkBatch(Options);
                await inserter.InsertAsync(batch.Tables.Single(), "unwritable-1", letters, default);
                Assert.Equal(10, Assert.Single(Assert.Single(letters.Tables).Rows).Record.Offset);
            }
        }

        Assert.Equal("[10,10]", await StoredAsync(Name));
    }

    [Fact]
    public async Task Rows_that_clickhouse_refuses_are_found_by_halving_and_the_others_are_stored_once()
    {
        var id = $"refused-{Guid.NewGuid():N}";
        var batch = new SinkBatch(Options);
        foreach (var offset in Enumerable.Range(0, 7))
        {
            var value = offset == 4 ? "{\"a\":"u8.ToArray() : "{\"a\":1}"u8.ToArray();
            var key = System.Text.Encoding.UTF8.GetBytes(id);
            var record = Record(offset, Load(id, offset)) with { Key = key, Value = value };
            var row = DomainEventRow.Of(record);
            batch.Add(Tables.Of(row)!, Tables.Of(row)!.Read(row, record));
        }

        var (client, inserter) = await StartAsync();
        using (client)
        {
            for (var time = 0; time < 2; time++)
            {
                var letters = new SinkBatch(Options);
                await inserter.InsertAsync(batch.Tables.Single(), id, letters, default);
                Assert.Equal(4, Assert.Single(Assert.Single(letters.Tables).Rows).Record.Offset);
            }
        }

        var rows = await engine.RowsAsync(
            $"SELECT arraySort(groupArray(k_offset)) AS n FROM es.domain_events WHERE video_id = '{id}'"
        );
        Assert.Equal("[0,1,2,3,5,6]", rows.Single().GetProperty("n").GetRawText());
    }

    private async Task<(ClickHouseClient Client, TableInserter Inserter)> StartAsync()
    {
        var client = new ClickHouseOptions { Url = engine.Url, Password = EmbeddedClickHouse.Password }.Client();
        await SchemaMigrator.ApplyAsync(client, default);
        return (client, new TableInserter(client, NullLogger.Instance));
    }

    private async Task<string> StoredAsync(string resource) =>
        (
            await engine.RowsAsync(
                $"SELECT [count(), uniqExact(k_offset)] AS n FROM es.load WHERE resource = '{resource}'"
            )
        )
            .Single()
            .GetProperty("n")
            .GetRawText();

    private static SinkBatch Batch(IEnumerable<SinkRecord> records)
    {
        var batch = new SinkBatch(Options);
        foreach (var record in records)
            batch.Take(record, 0);
        return batch;
    }

    private static LoadMeasured Load(string resource, double value) => new(resource, At, 10, value, "sessions");

    private static SinkRecord Record(long offset, LoadMeasured load) =>
        new(
            Topics.TrafficLoad.Name,
            0,
            offset,
            At,
            MessageTypes.NameOf(typeof(LoadMeasured)),
            $"{offset}",
            [],
            MessageTypes.Write(load)
        );
}
