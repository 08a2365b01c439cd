using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Text;
using ClickHouse.Driver;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.ClickHouse;

[Trait("Category", "Integration")]
[Collection(EmbeddedClickHouseCollection.Name)]
public sealed class EmbeddedEngineTests(EmbeddedClickHouse engine)
{
    [Fact]
    public async Task Rows_are_inserted_once_for_a_token_and_read_back_as_records()
    {
        await MakeAsync(
            "once",
            "id UInt64, name String, time DateTime64(3, 'UTC'), stored_at DateTime64(3) DEFAULT now64(3)"
        );
        var rows =
            "{\"id\":18446744073709551615,\"name\":\"a;\\nb'\\\"\",\"time\":\"2026-11-22 08:00:00.123\"}\n"u8.ToArray();
        await engine.InsertAsync("once.t", rows, "token-1");
        await engine.InsertAsync("once.t", rows, "token-1");
        using (var reader = await engine.Reader.ExecuteReaderAsync("SELECT id, name, time FROM once.t"))
        {
            Assert.True(reader.Read());
            var time = new DateTime(2026, 11, 22, 8, 0, 0, 123, DateTimeKind.Utc);
            Assert.Equal(
                (ulong.MaxValue, "a;\nb'\"", time),
                (reader.GetFieldValue<ulong>(0), reader.GetString(1), reader.GetDateTime(2))
            );
            Assert.False(reader.Read());
        }

        await engine.InsertAsync("once.t", rows, "token-2");
        Assert.Equal(2, await CountAsync("once.t"));
    }

    [Fact]
    public async Task A_result_of_many_megabytes_comes_as_a_stream_and_whole()
    {
        var (count, sum) = (0L, 0L);
        using var reader = await engine.Reader.ExecuteReaderAsync("SELECT number AS n FROM numbers(200000)");
        while (reader.Read())
        {
            count++;
            sum += (long)reader.GetFieldValue<ulong>(0);
        }

        Assert.Equal((200_000, 19_999_900_000), (count, sum));
    }

    [Fact]
    public async Task A_query_that_fails_after_its_first_rows_is_an_error_and_not_a_short_result()
    {
        var count = 0;
        var error = await Assert.ThrowsAsync<ClickHouseServerException>(async () =>
        {
            // The engine runs some blocks ahead of what it has given out, so the failing row comes many blocks later.
            using var reader = await engine.Reader.ExecuteReaderAsync(
                "SELECT number, throwIf(number = 400000000) FROM numbers(500000000) WHERE number % 100000 = 0"
            );
            // The driver takes bytes of the error for rows until it sees that the answer broke off.
            while (reader.Read())
                count += reader.GetFieldValue<ulong>(0) is <= 400_000_000 and var row && row % 100_000 == 0 ? 1 : 0;
        });
        Assert.Equal(395, error.ErrorCode);
        Assert.Contains("FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", error.Message);
        Assert.InRange(count, 1, 4000);
    }

    [Theory]
    [InlineData("SELECT * FROM system.nowhere", 60, "UNKNOWN_TABLE", HttpStatusCode.NotFound)]
    [InlineData("SELEC 1", 62, "SYNTAX_ERROR", HttpStatusCode.BadRequest)]
    [InlineData("SELECT 1; SELECT 2", 62, "SYNTAX_ERROR", HttpStatusCode.BadRequest)]
    [InlineData("SELECT {missing:UInt8}", 456, "UNKNOWN_QUERY_PARAMETER", HttpStatusCode.BadRequest)]
    [InlineData("SELECT 1 INTO OUTFILE '/tmp/eventstream-outfile'", 497, "ACCESS_DENIED", HttpStatusCode.Forbidden)]
    public async Task An_error_carries_clickhouse_s_code_name_and_status(
        string sql,
        int code,
        string name,
        HttpStatusCode status
    )
    {
        using var response = await engine.PostAsync(sql);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal(status, response.StatusCode);
        Assert.Equal($"{code}", response.Headers.GetValues("X-ClickHouse-Exception-Code").Single());
        Assert.StartsWith($"Code: {code}. DB::Exception: ", text);
        Assert.Contains($"({name})", text);
        Assert.False(File.Exists("/tmp/eventstream-outfile"));
    }

    [Theory]
    [InlineData("default", "wrong")]
    [InlineData("default", "")]
    [InlineData("reader", EmbeddedClickHouse.Password)]
    [InlineData("nobody", "")]
    public async Task Nobody_gets_in_without_the_password(string user, string password)
    {
        using var response = await engine.PostAsync("SELECT 1", "", user, password);
        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal("516", response.Headers.GetValues("X-ClickHouse-Exception-Code").Single());
    }

    [Theory]
    [InlineData("CREATE DATABASE readers ENGINE = Atomic", "164")]
    [InlineData("INSERT INTO es.load FORMAT JSONEachRow {}", "164")]
    [InlineData("SELECT file('/etc/passwd')", "497")]
    [InlineData("SELECT arrayMap(`f\\x69le`, ['/etc/passwd'])", "497")]
    [InlineData("SELECT * FROM file('/etc/passwd', 'LineAsString')", "497")]
    [InlineData("SELECT * FROM '/etc/passwd'", "497")]
    [InlineData("SELECT 1 SETTINGS max_threads = 7", "452")]
    public async Task A_reader_neither_writes_nor_leaves_the_database(string sql, string code)
    {
        using var response = await engine.PostAsync(sql, "", "reader");
        Assert.Equal(code, response.Headers.GetValues("X-ClickHouse-Exception-Code").Single());
        Assert.DoesNotContain("root:", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_get_only_reads_whoever_sends_it()
    {
        using var response = await engine.Http.GetAsync(
            new Uri(
                engine.Url,
                $"/?user=default&password={Uri.EscapeDataString(EmbeddedClickHouse.Password)}&query=CREATE+DATABASE+x"
            )
        );
        Assert.Equal("164", response.Headers.GetValues("X-ClickHouse-Exception-Code").Single());
    }

    [Fact]
    public async Task Compressed_bodies_and_answers_are_understood()
    {
        await MakeAsync("gz", "a UInt32");
        using var body = new MemoryStream();
        await using (var gzip = new GZipStream(body, CompressionLevel.Fastest, leaveOpen: true))
            await gzip.WriteAsync("1\n2\n3\n"u8.ToArray());
        using var inserted = await PostAsync("/?query=INSERT+INTO+gz.t+FORMAT+TSV", body.ToArray(), "gzip");
        Assert.True(inserted.IsSuccessStatusCode, await inserted.Content.ReadAsStringAsync());
        Assert.Contains("\"written_rows\":\"3\"", inserted.Headers.GetValues("X-ClickHouse-Summary").Single());

        using var handler = new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.GZip };
        using var http = new HttpClient(handler);
        http.DefaultRequestHeaders.Add("X-ClickHouse-User", "reader");
        http.DefaultRequestHeaders.Add("X-ClickHouse-Key", EmbeddedClickHouse.ReaderPassword);
        http.DefaultRequestHeaders.Add("Accept-Encoding", "gzip");
        using var read = await http.GetAsync(
            new Uri(engine.Url, "/?enable_http_compression=1&query=SELECT+sum(a)+FROM+gz.t")
        );
        Assert.Equal("6\n", await read.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Binary_rows_with_a_semicolon_before_a_line_break_arrive_whole()
    {
        await MakeAsync("bin", "a String");
        var row = new byte[1 + 4096];
        for (var i = 0; i < 2048; i++)
            (row[1 + (2 * i)], row[2 + (2 * i)]) = ((byte)';', (byte)'\n');
        byte[] body = [0x80, 0x20, .. row.AsSpan(1), 0x00];
        using var response = await PostAsync("/?query=INSERT+INTO+bin.t+FORMAT+RowBinary", body);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal([4096, 0], await ListAsync("SELECT length(a) AS n FROM bin.t ORDER BY n DESC"));
    }

    [Fact]
    public async Task More_rows_than_a_request_may_carry_are_refused_and_none_is_stored()
    {
        await MakeAsync("big", "a String");
        // Compressed, so that the bound is met while the body is read and not by its announced length.
        using var body = new MemoryStream();
        await using (var gzip = new GZipStream(body, CompressionLevel.Fastest, leaveOpen: true))
            await gzip.WriteAsync(new byte[9 << 20]);
        using var response = await PostAsync("/?query=INSERT+INTO+big.t+FORMAT+TSV", body.ToArray(), "gzip");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Equal(0, await CountAsync("big.t"));
    }

    [Fact]
    public async Task A_query_whose_client_went_away_is_killed()
    {
        const string Sql = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 42";
        using var leaving = new CancellationTokenSource();
        var asked = engine.Writer.ExecuteNonQueryAsync(Sql, cancellationToken: leaving.Token);
        await UntilAsync(async () => await RunningAsync() == 1);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await UntilAsync(async () => await RunningAsync() == 0);

        async Task<long> RunningAsync() =>
            (
                await ListAsync(
                    "SELECT count() AS n FROM system.processes WHERE query LIKE 'SELECT count() FROM numbers(%'"
                )
            ).Single();
    }

    [Fact]
    public async Task Acknowledged_rows_survive_a_crash_of_the_engine_and_a_token_is_remembered()
    {
        await MakeAsync("crash", "a UInt32");
        for (var i = 0; i < 20; i++)
            await engine.InsertAsync("crash.t", Encoding.UTF8.GetBytes($"{{\"a\":{i}}}\n"), $"t{i}");
        await engine.CrashAsync();
        Assert.Equal(20, await CountAsync("crash.t"));
        await engine.InsertAsync("crash.t", "{\"a\":19}\n"u8.ToArray(), "t19");
        Assert.Equal(20, await CountAsync("crash.t"));
    }

    [Fact]
    public async Task An_engine_that_is_told_to_stop_ends_in_good_order_and_keeps_its_rows()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-stopped-");
        (string, string)[] settings =
        [
            ("ClickHouse:DataFolder", folder.FullName),
            ("ClickHouse:Password", "w"),
            ("ClickHouse:ReaderPassword", "r"),
        ];
        var first = await EventStreamProcess.StartAsync("clickhouse", settings);
        using var made = await engine.Http.PostAsync(
            new Uri(first.Url + "/?password=w"),
            new StringContent("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a AS SELECT 7 AS a")
        );
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync());
        Assert.Equal(0, await first.StopAsync());
        var second = await EventStreamProcess.StartAsync("clickhouse", settings);
        Assert.Equal(
            "7\n",
            await engine.Http.GetStringAsync(new Uri(second.Url + "/?password=w&query=SELECT+a+FROM+kept"))
        );
        Assert.Equal(0, await second.StopAsync());
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_second_engine_on_the_same_folder_names_the_folder_and_the_remedy()
    {
        await using var second = engine.Another();
        await second.UntilExitAsync();
        Assert.NotEqual(0, second.ExitCode);
        Assert.Contains("another process holds it", second.Output);
    }

    /// <summary>Sends bytes as the writer, with basic authentication.</summary>
    private async Task<HttpResponseMessage> PostAsync(string path, byte[] body, string? encoding = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(engine.Url, path));
        request.Headers.Add(
            "Authorization",
            "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("default:" + EmbeddedClickHouse.Password))
        );
        request.Content = new ByteArrayContent(body);
        if (encoding is not null)
            request.Content.Headers.ContentEncoding.Add(encoding);
        return await engine.Http.SendAsync(request);
    }

    private async Task MakeAsync(string database, string columns)
    {
        await engine.Writer.ExecuteNonQueryAsync($"CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic");
        await engine.Writer.ExecuteNonQueryAsync(
            $"CREATE TABLE {database}.t ({columns}) ENGINE = MergeTree ORDER BY tuple() "
                + "SETTINGS non_replicated_deduplication_window = 100"
        );
    }

    private async Task<long> CountAsync(string table) =>
        (await ListAsync($"SELECT count() AS n FROM {table}")).Single();

    private async Task<List<long>> ListAsync(string sql) =>
        [.. (await engine.RowsAsync(sql)).Select(row => row.GetProperty("n").GetInt64())];

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
