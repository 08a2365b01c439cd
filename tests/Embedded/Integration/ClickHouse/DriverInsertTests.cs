using ClickHouse.Driver;
using ClickHouse.Driver.ADO;
using ClickHouse.Driver.Compression;
using ClickHouse.Driver.Copy;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.ClickHouse;

/// <summary>What ClickHouse's own C# driver inserts, unmodified.</summary>
[Trait("Category", "Integration")]
[Collection(EmbeddedClickHouseCollection.Name)]
public sealed class DriverInsertTests(EmbeddedClickHouse engine)
{
    public static TheoryData<string> Ways => ["default", "plain", "gzip", "br", "lz4", "url", "defaults", "batches"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Rows_arrive_whole_however_they_are_sent(string way)
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        var options = way switch
        {
            "plain" => new InsertOptions { Compressor = null },
            "gzip" => new InsertOptions { Compressor = GZipCompressor.Default },
            "br" => new InsertOptions { Compressor = BrotliCompressor.Default },
            "lz4" => new InsertOptions { Compressor = Lz4Compressor.Default },
            "url" => new InsertOptions { Compressor = null, QueryPlacement = InsertQueryPlacement.Url },
            "defaults" => new InsertOptions { Compressor = null, Format = RowBinaryFormat.RowBinaryWithDefaults },
            "batches" => new InsertOptions
            {
                Compressor = null,
                BatchSize = 100,
                MaxDegreeOfParallelism = 4,
            },
            _ => null,
        };
        var written = await database.Writer.InsertBinaryAsync(
            database.Table,
            DriverDatabase.Columns,
            DriverDatabase.Rows,
            options
        );
        Assert.Equal((1000L, "1000 499500"), (written, await database.CountAsync()));
        Assert.Equal("n'7;\n\\", await database.TextAsync($"SELECT name FROM {database.Table} WHERE id = 7"));
    }

    [Fact]
    public async Task A_token_stores_its_rows_once_whichever_rows_come_under_it()
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        var options = new InsertOptions
        {
            CustomSettings = new Dictionary<string, object>
            {
                ["insert_deduplication_token"] = "a'b<",
                ["insert_deduplicate"] = 1,
                ["async_insert"] = 0,
            },
        };
        foreach (var rows in (IEnumerable<object[]>[])[DriverDatabase.Rows, DriverDatabase.Rows.Reverse()])
            await database.Writer.InsertBinaryAsync(database.Table, DriverDatabase.Columns, rows, options);

        Assert.Equal("1000 499500", await database.CountAsync());
        await database.Writer.ExecuteNonQueryAsync($"TRUNCATE TABLE {database.Table}");
        await database.Writer.InsertBinaryAsync(
            database.Table,
            DriverDatabase.Columns,
            DriverDatabase.Rows,
            new InsertOptions
            {
                BatchSize = 500,
                CustomSettings = new Dictionary<string, object> { ["insert_deduplication_token"] = "two" },
            }
        );
        // The driver sends each batch as an INSERT under the same token; docs/clickhouse.md tells users what follows.
        Assert.Equal("500", await database.TextAsync($"SELECT count() FROM {database.Table}"));
    }

    [Fact]
    public async Task Objects_and_bulk_copies_are_inserted_and_objects_are_read()
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        var client = database.Writer;
        client.RegisterBinaryInsertType<Row>();
        client.RegisterPocoType<Row>();
        var at = new DateTime(2026, 11, 29, 1, 2, 3, DateTimeKind.Utc);
        await client.InsertBinaryAsync(
            database.Table,
            Enumerable
                .Range(0, 500)
                .Select(i => new Row
                {
                    id = (ulong)i,
                    name = $"n{i}",
                    at = at,
                    tags = ["x", "y"],
                }),
            new InsertOptions { Compressor = null }
        );
        using var connection = new ClickHouseConnection(
            DriverDatabase.Connection(engine, "default", EmbeddedClickHouse.Password)
        );
#pragma warning disable CS0618 // Deprecated, and many programs use it.
        using var copy = new ClickHouseBulkCopy(connection)
        {
            DestinationTableName = database.Table,
            ColumnNames = DriverDatabase.Columns,
        };
        await copy.InitAsync();
        await copy.WriteToServerAsync(DriverDatabase.Rows);
#pragma warning restore CS0618
        Assert.Equal("1500 624250", await database.CountAsync());
        var read = new List<Row>();
        await foreach (
            var row in client.QueryAsync<Row>(
                $"SELECT id, name, v, at, tags, kind FROM {database.Table} WHERE kind = '' ORDER BY id"
            )
        )
            read.Add(row);
        Assert.Equal(500, read.Count);
        Assert.Equal((7UL, "n7", null, at, "y"), (read[7].id, read[7].name, read[7].v, read[7].at, read[7].tags[1]));
    }

    [Fact]
    public async Task Raw_streams_values_parameters_and_selects_are_inserted_and_counted()
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        var client = database.Writer;
        using (
            await client.InsertRawStreamAsync(
                database.Table,
                new MemoryStream("{\"id\":1,\"name\":\"a;\\n\"}\n{\"id\":2}\n"u8.ToArray()),
                "JSONEachRow",
                ["id", "name"]
            )
        )
        using (
            await client.InsertRawStreamAsync(
                database.Table,
                new MemoryStream("3,x\n"u8.ToArray()),
                "CSV",
                ["id", "name"],
                useCompression: false
            )
        )
        {
            Assert.Equal("3 6", await database.CountAsync());
        }

        // The driver takes its count from the body, which is empty on a server too; the summary has the true one.
        await client.ExecuteNonQueryAsync($"INSERT INTO {database.Table} (id, name) VALUES (4, 'a;b'), (5, 'c')");
        await client.ExecuteNonQueryAsync(
            $"INSERT INTO {database.Table} (id, name) VALUES ({{i:UInt64}}, {{s:String}})",
            DriverDatabase.Parameters(("i", 6UL), ("s", "q'; DROP"))
        );
        Assert.Equal("q'; DROP", await database.TextAsync($"SELECT name FROM {database.Table} WHERE id = 6"));
        await client.ExecuteNonQueryAsync(
            $"INSERT INTO {database.Table} (id) SELECT number FROM numbers({{n:UInt64}})",
            DriverDatabase.Parameters(("n", 4UL))
        );
        Assert.Equal("10 27", await database.CountAsync());
        Assert.Equal(0, await client.InsertBinaryAsync(database.Table, ["id"], [], null));
    }

    [Fact]
    public async Task A_value_that_does_not_fit_names_its_row_and_a_body_of_many_megabytes_is_taken()
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        var error = await Assert.ThrowsAsync<ClickHouseBulkCopySerializationException>(() =>
            database.Writer.InsertBinaryAsync(
                database.Table,
                ["id", "name"],
                [
                    [1UL, "a"],
                    ["bad", "b"],
                ],
                new InsertOptions { Compressor = null }
            )
        );
        Assert.Equal(1, error.RowIndex);
        var text = new string('y', 7000);
        await database.Writer.InsertBinaryAsync(
            database.Table,
            ["id", "name"],
            Enumerable.Range(0, 1000).Select(i => new object[] { (ulong)i, text }),
            new InsertOptions { Compressor = null }
        );
        Assert.Equal("7000000", await database.TextAsync($"SELECT sum(length(name)) FROM {database.Table}"));
    }

    [Fact]
    public async Task A_session_keeps_its_temporary_tables_and_settings()
    {
        var settings = DriverDatabase.Connection(engine, "default", EmbeddedClickHouse.Password);
        using var session = new ClickHouseClient(
            new ClickHouseClientSettings(settings) { UseSession = true, SessionId = $"s{Guid.NewGuid():N}" }
        );
        await session.ExecuteNonQueryAsync("CREATE TEMPORARY TABLE mine (a Int32)");
        await session.InsertBinaryAsync(
            "mine",
            ["a"],
            [
                [5],
                [6],
            ],
            new InsertOptions { Compressor = null }
        );
        await session.ExecuteNonQueryAsync("INSERT INTO mine VALUES (7)");
        await session.ExecuteNonQueryAsync("SET max_block_size = 7");
        Assert.Equal("18", $"{await session.ExecuteScalarAsync("SELECT sum(a) FROM mine")}");
        Assert.Equal("7", $"{await session.ExecuteScalarAsync("SELECT getSetting('max_block_size')")}");
    }

    /// <summary>A row as a program of users has it: its properties are named as the columns.</summary>
#pragma warning disable IDE1006, CA1708
    private sealed class Row
    {
        public ulong id { get; set; }

        public string name { get; set; } = "";

        public double? v { get; set; }

        public DateTime at { get; set; }

        public string[] tags { get; set; } = [];

        public string kind { get; set; } = "";
    }
#pragma warning restore IDE1006, CA1708
}
