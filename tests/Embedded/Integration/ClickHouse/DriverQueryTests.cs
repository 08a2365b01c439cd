using System.Data;
using System.Diagnostics;
using ClickHouse.Driver;
using ClickHouse.Driver.ADO;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.ClickHouse;

/// <summary>What ClickHouse's own C# driver asks, unmodified.</summary>
[Trait("Category", "Integration")]
[Collection(EmbeddedClickHouseCollection.Name)]
public sealed class DriverQueryTests(EmbeddedClickHouse engine)
{
    private const string Endless = "SELECT count() FROM numbers(100000000000) WHERE NOT ignore(cityHash64(number))";

    [Theory]
    [InlineData("SELECT concat({s:String}, '|', toString({i:Int64}))", "a'b\\c\n\té|-9")]
    [InlineData("SELECT toString({a:Array(Int32)})", "[1,2]")]
    [InlineData("SELECT toString({d:DateTime64(3)})", "2026-01-02 03:04:05.678")]
    [InlineData("SELECT toString(isNull({n:Nullable(String)}))", "1")]
    [InlineData("SELECT {m:Map(String, Int32)}['a'] + {b:Bool}", "6")]
    [InlineData("SELECT tupleElement({t:Tuple(Int32, String)}, 1) + length(toString({u:UUID}))", "43")]
    [InlineData("SELECT length({part:String})", "300000")]
    [InlineData("SELECT count() FROM {db:Identifier}.{table:Identifier}", "1")]
    [InlineData("SELECT length({long:String})", "100000")]
    [InlineData("SELECT length({mega:String})", "1048576")]
    public async Task Parameters_arrive_in_the_url_and_in_a_form(string sql, string value)
    {
        var known = new (string, object?)[]
        {
            ("s", "a'b\\c\n\té"),
            ("i", -9L),
            ("a", new[] { 1, 2 }),
            ("n", null),
            ("b", true),
            ("db", "system"),
            ("d", new DateTime(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc)),
            ("table", "one"),
            ("m", new Dictionary<string, int> { ["a"] = 5 }),
            ("long", new string('x', 100_000)),
            ("t", Tuple.Create(7, "z")),
            ("u", Guid.NewGuid()),
            ("part", new string('x', 300_000)),
            ("mega", new string('x', 1 << 20)),
        };
        var used = known.Where(pair => sql.Contains($"{{{pair.Item1}:", StringComparison.Ordinal)).ToArray();
        foreach (var form in (bool[])[false, true])
        {
            using var client = new ClickHouseClient(
                new ClickHouseClientSettings(
                    DriverDatabase.Connection(engine, "reader", EmbeddedClickHouse.ReaderPassword)
                )
                {
                    UseFormDataParameters = form,
                }
            );
            Assert.Equal(value, $"{await client.ExecuteScalarAsync(sql, DriverDatabase.Parameters(used))}");
        }
    }

    [Fact]
    public async Task Values_of_every_type_are_read()
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        Assert.True(await database.Writer.PingAsync());
        using var reader = await database.Reader.ExecuteReaderAsync(
            """
            SELECT toUInt8(1), toInt64(-5), 1.5, 'x\'y', toDateTime64('2026-01-02 03:04:05.678', 3, 'UTC'),
                toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0'), toDecimal64(12.34, 2), [1, 2], map('k', 1),
                tuple(1, 'a'), CAST(NULL AS Nullable(Int32)), toLowCardinality('lc'), toIPv4('1.2.3.4'),
                CAST('b' AS Enum8('a' = 1, 'b' = 2)), true, toDate('2026-01-02'), toIPv6('::1'), toInt256(7),
                CAST(1::Int32 AS Variant(Int32, String)), CAST('x' AS Dynamic)
            """
        );
        Assert.True(reader.Read());
        Assert.Equal(
            (20, -5L, "x'y", 12.34m),
            (reader.FieldCount, reader.GetValue(1), reader.GetValue(3), Convert.ToDecimal(reader.GetValue(6), null))
        );
        Assert.Equal(("lc", "1", "x"), (reader.GetValue(11), $"{reader.GetValue(18)}", reader.GetValue(19)));
        await database.Writer.ExecuteNonQueryAsync(
            $"CREATE TABLE {database.Name}.j (id UInt32, doc JSON) ENGINE = MergeTree ORDER BY id"
        );
        await database.Writer.InsertBinaryAsync(
            $"{database.Name}.j",
            ["id", "doc"],
            [
                [1u, "{\"a\":1,\"b\":{\"c\":\"x\"}}"],
            ]
        );
        Assert.Equal("x", await database.TextAsync($"SELECT doc.b.c::String FROM {database.Name}.j"));
    }

    [Theory]
    [InlineData("SELECT * FROM system.nowhere", 60, "Unknown table")]
    [InlineData("SELEC 1", 62, "Syntax error: failed at position 1")]
    [InlineData("SELECT 1; SELECT 2", 62, "Multi-statements are not allowed")]
    [InlineData("INSERT INTO system.one VALUES (1)", 164, "readonly")]
    [InlineData("SELECT throwIf(number = 3, 'boom') FROM numbers(10)", 395, "boom")]
    [InlineData("SELECT throwIf(number = 3000000, 'boom'), toString(number) FROM numbers(4000000)", 395, "boom")]
    public async Task An_error_is_the_server_s_before_and_within_the_rows(string sql, int code, string sentence)
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        foreach (var encoding in (string?[])[null, "gzip", "zstd"])
        {
            var error = await Assert.ThrowsAsync<ClickHouseServerException>(async () =>
            {
                using var reader = await database.Reader.ExecuteReaderAsync(
                    sql,
                    null,
                    new QueryOptions { AcceptEncoding = encoding }
                );
                while (reader.Read())
                {
                    // The error comes behind the rows.
                }
            });
            Assert.Equal(code, error.ErrorCode);
            Assert.Contains(sentence, error.Message);
        }
    }

    [Fact]
    public async Task A_wrong_password_a_wrong_setting_and_a_time_limit_have_their_codes()
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        using var stranger = new ClickHouseClient(DriverDatabase.Connection(engine, "default", "wrong"));
        Assert.Equal(516, await CodeAsync(stranger, "SELECT 1", new QueryOptions()));
        Assert.Equal(
            115,
            await CodeAsync(
                database.Reader,
                "SELECT 1",
                new QueryOptions { CustomSettings = new Dictionary<string, object> { ["no_such_setting"] = 1 } }
            )
        );
        Assert.Equal(
            159,
            await CodeAsync(database.Reader, Endless, new QueryOptions { MaxExecutionTime = TimeSpan.FromSeconds(1) })
        );
        Assert.Equal(
            "1",
            $"{await database.Reader.ExecuteScalarAsync(
            "SELECT 1", null, new QueryOptions { MaxExecutionTime = TimeSpan.FromHours(5) })}"
        );
    }

    [Fact]
    public async Task The_first_row_comes_before_the_last_and_many_megabytes_arrive_whole()
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        var clock = Stopwatch.StartNew();
        using var slow = await database.Reader.ExecuteReaderAsync(
            "SELECT number, sleepEachRow(0.5) FROM numbers(8) SETTINGS max_block_size = 1, max_threads = 1"
        );
        Assert.True(slow.Read());
        var first = clock.Elapsed;
        while (slow.Read())
        {
            // To the end, for the time of all.
        }

        Assert.True(first < clock.Elapsed / 2, $"The first row came after {first} of {clock.Elapsed}.");
        long rows = 0;
        using var large = await database.Reader.ExecuteReaderAsync("SELECT number FROM numbers(5000000)");
        while (large.Read())
            rows++;
        Assert.Equal(5_000_000, rows);
        using var none = await database.Reader.ExecuteReaderAsync("SELECT number FROM numbers(0)");
        Assert.Equal((1, false), (none.FieldCount, none.Read()));
    }

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("deflate", "deflate")]
    [InlineData("br", "br")]
    [InlineData("lz4", "lz4")]
    [InlineData("zstd", "zstd")]
    [InlineData("identity", "")]
    [InlineData("zstd, lz4, gzip, deflate", "zstd")]
    public async Task An_answer_has_the_coding_that_was_asked_for(string accepted, string coding)
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        using var raw = await database.Reader.ExecuteRawResultAsync(
            "SELECT number FROM numbers(100000) FORMAT TSV",
            new QueryOptions { AcceptEncoding = accepted }
        );
        await using var stream = await raw.ReadDecompressedStreamAsync();
        using var text = new StreamReader(stream);
        Assert.Equal((coding, 588_890), (raw.ContentEncoding ?? "", (await text.ReadToEndAsync()).Length));
    }

    [Fact]
    public async Task A_client_s_id_names_its_running_statement_and_ends_it()
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        var id = $"own-{Guid.NewGuid()}";
        Assert.Equal(
            "1",
            $"{await database.Reader.ExecuteScalarAsync(
            $"SELECT count() FROM system.processes WHERE query_id = '{id}'", null,
            new QueryOptions { QueryId = id })}"
        );
        using var leaving = new CancellationTokenSource();
        var asked = database.Reader.ExecuteScalarAsync(Endless, null, new QueryOptions { QueryId = id }, leaving.Token);
        await UntilAsync(async () => await RunningAsync() == "1");
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await UntilAsync(async () => await RunningAsync() == "0");
        var killed = database.Reader.ExecuteScalarAsync(Endless, null, new QueryOptions { QueryId = id });
        await UntilAsync(async () => await RunningAsync() == "1");
        await database.Writer.ExecuteNonQueryAsync($"KILL QUERY WHERE query_id = '{id}' SYNC");
        Assert.Equal(394, (await Assert.ThrowsAsync<ClickHouseServerException>(() => killed)).ErrorCode);

        Task<string> RunningAsync() =>
            database.TextAsync($"SELECT count() FROM system.processes WHERE query_id = '{id}' AND user = 'reader'");
    }

    [Fact]
    public async Task Databases_statements_of_every_kind_and_ado_work()
    {
        using var database = await DriverDatabase.CreateAsync(engine);
        await database.Writer.InsertBinaryAsync(database.Table, DriverDatabase.Columns, DriverDatabase.Rows);
        using var inside = new ClickHouseClient(
            new ClickHouseClientSettings(DriverDatabase.Connection(engine, "reader", EmbeddedClickHouse.ReaderPassword))
            {
                Database = database.Name,
            }
        );
        Assert.Equal("1000", $"{await inside.ExecuteScalarAsync("SELECT count() FROM t")}");
        Assert.Equal(
            3,
            Convert.ToInt32(
                await inside.ExecuteScalarAsync("SELECT @a + @b", DriverDatabase.Parameters(("a", 1), ("b", 2))),
                null
            )
        );
        Assert.Equal("1", $"{await inside.ExecuteScalarAsync("SELECT 1; -- done")}");
        foreach (var sql in (string[])["EXPLAIN SELECT 1", "SHOW TABLES", "DESCRIBE TABLE t", "EXISTS TABLE t"])
        {
            using var some = await inside.ExecuteReaderAsync(sql);
            Assert.True(some.Read(), sql);
        }

        Assert.Equal(
            "1",
            $"{await inside.ExecuteScalarAsync("SELECT 1", null, new QueryOptions
        {
            Roles = ["none"], CustomHeaders = new Dictionary<string, string> { ["X-Test"] = "1" },
        })}"
        );
        Assert.StartsWith("26", $"{await inside.ExecuteScalarAsync("SELECT version()")}");
        Assert.Equal(database.Name, await inside.ExecuteScalarAsync("SELECT currentDatabase()"));
        await database.Writer.ExecuteNonQueryAsync($"CREATE TABLE {database.Name}.x (a Int32) ENGINE = Memory");
        using var writer = new ClickHouseClient(
            new ClickHouseClientSettings(DriverDatabase.Connection(engine, "default", EmbeddedClickHouse.Password))
            {
                Database = database.Name,
            }
        );
        await writer.InsertBinaryAsync(
            "x",
            ["a"],
            [
                [1],
                [2],
            ]
        );
        Assert.Equal("2", $"{await writer.ExecuteScalarAsync("SELECT count() FROM x")}");
        using var raw = await inside.ExecuteRawResultAsync("SELECT 1 AS format FORMAT JSON");
        Assert.Contains("\"format\": 1", await raw.ReadAsStringAsync());
        await using var connection = new ClickHouseConnection(
            DriverDatabase.Connection(engine, "reader", EmbeddedClickHouse.ReaderPassword)
        );
        await connection.OpenAsync();
        Assert.Equal(6, connection.GetSchema("Columns", [database.Name, "t"]).Rows.Count);
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT id, name FROM {database.Table}";
        await using var schema = await command.ExecuteReaderAsync(CommandBehavior.SchemaOnly);
        Assert.Equal(2, schema.FieldCount);
    }

    private static async Task<int> CodeAsync(ClickHouseClient client, string sql, QueryOptions options) =>
        (
            await Assert.ThrowsAsync<ClickHouseServerException>(() => client.ExecuteScalarAsync(sql, null, options))
        ).ErrorCode;

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var waited = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waited.Elapsed < TimeSpan.FromSeconds(60), "The condition did not come true in 60 s.");
            await Task.Delay(25);
        }
    }
}
