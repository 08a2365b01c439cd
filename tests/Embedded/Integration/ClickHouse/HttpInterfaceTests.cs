using System.Net;
using System.Text.Json;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.ClickHouse;

/// <summary>What any client sees of the HTTP interface, without a driver between.</summary>
[Trait("Category", "Integration")]
[Collection(EmbeddedClickHouseCollection.Name)]
public sealed class HttpInterfaceTests(EmbeddedClickHouse engine)
{
    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task An_error_has_the_coding_that_was_asked_for_and_the_server_s_words(string coding)
    {
        using var handler = new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.All };
        using var http = new HttpClient(handler);
        using var request = Request("SELEC 1", "enable_http_compression=1");
        request.Headers.Add("Accept-Encoding", coding);
        using var response = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync();
        Assert.StartsWith("Code: 62. DB::Exception: Syntax error: failed at position 1 (SELEC)", text);
        Assert.Matches(@"\(SYNTAX_ERROR\) \(version \d+\.\d+", text);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    [InlineData("lz4")]
    public async Task A_body_that_is_not_in_its_coding_is_the_client_s_fault(string coding)
    {
        using var request = Request("", "");
        request.Content = new ByteArrayContent([.. Enumerable.Repeat((byte)0xff, 10)]);
        request.Content.Headers.ContentEncoding.Add(coding);
        using var response = await engine.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("Content-Encoding", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("JSON")]
    [InlineData("Parquet")]
    [InlineData("XML")]
    [InlineData("CSVWithNames")]
    public async Task A_document_is_one_document_however_long_it_is(string format)
    {
        using var request = Request($"SELECT number FROM numbers(300000) FORMAT {format}", "");
        using var response = await engine.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(format, response.Headers.GetValues("X-ClickHouse-Format").Single());
        var bytes = await response.Content.ReadAsByteArrayAsync();
        var text = System.Text.Encoding.Latin1.GetString(bytes);
        switch (format)
        {
            case "JSON":
                Assert.Equal(300_000, JsonDocument.Parse(bytes).RootElement.GetProperty("rows").GetInt32());
                break;
            case "Parquet":
                Assert.StartsWith("PAR1", text);
                Assert.EndsWith("PAR1", text);
                break;
            case "CSVWithNames":
                Assert.Equal(300_001, text.Count(c => c == '\n'));
                break;
            default:
                Assert.EndsWith("</result>\n", text);
                break;
        }
    }

    [Fact]
    public async Task Progress_comes_between_the_rows()
    {
        using var request = Request(
            "SELECT number, sleepEachRow(0.2) FROM numbers(3) FORMAT JSONEachRowWithProgress",
            "max_block_size=1"
        );
        using var response = await engine.Http.SendAsync(request);
        var lines = (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Count(line => line.StartsWith("{\"row\":", StringComparison.Ordinal)));
        Assert.True(lines.Count(line => line.StartsWith("{\"progress\":", StringComparison.Ordinal)) >= 2);
    }

    [Fact]
    public async Task Progress_is_told_before_the_first_row_and_an_error_behind_it()
    {
        using var slow = Request(
            "SELECT sleep(0.1) AS foo FROM numbers(2) FORMAT JSONEachRowWithProgress",
            "max_block_size=1"
        );
        using var rows = await engine.Http.SendAsync(slow);
        Assert.StartsWith("{\"progress\":{\"read_rows\":\"1\",", await rows.Content.ReadAsStringAsync());
        using var quick = await engine.Http.SendAsync(
            Request("SELECT number FROM numbers(100) GROUP BY ALL ORDER BY ALL FORMAT JSONEachRowWithProgress", "")
        );
        Assert.StartsWith("{\"progress\":{\"read_rows\":\"100\",", await quick.Content.ReadAsStringAsync());
        using var late = Request(
            "SELECT throwIf(number = 10, 'boom'), sleepEachRow(0.01) FROM system.numbers LIMIT 100 "
                + "FORMAT JSONEachRowWithProgress",
            "max_block_size=1"
        );
        using var failed = await engine.Http.SendAsync(late);
        Assert.Equal(HttpStatusCode.OK, failed.StatusCode);
        Assert.Contains("Code: 395. DB::Exception: boom", await failed.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("SELECT 1", "interactive_delay=0", HttpStatusCode.OK)]
    [InlineData("SELECT 1 FORMAT JSONEachRowWithProgress", "interactive_delay=1", HttpStatusCode.OK)]
    [InlineData("SELECT 1 SETTINGS interactive_delay = 0", "", HttpStatusCode.BadRequest)]
    [InlineData("SELECT a FROM (SELECT 1 AS a SETTINGS interactive_delay = 0)", "", HttpStatusCode.BadRequest)]
    [InlineData("SELECT 1", "max_memory_usage_for_user=0", HttpStatusCode.OK)]
    [InlineData("SELECT 1", "max_memory_usage_for_user=1", HttpStatusCode.BadRequest)]
    [InlineData("SELECT 1", "max_concurrent_queries_for_user=1", HttpStatusCode.BadRequest)]
    [InlineData("SELECT 1", "max_concurrent_queries_for_all_users=1", HttpStatusCode.BadRequest)]
    public async Task A_setting_at_its_value_is_taken_and_none_holds_a_statement_for_ever(
        string sql,
        string query,
        HttpStatusCode status
    )
    {
        using var response = await engine.Http.SendAsync(Request(sql, query));
        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task The_summary_counts_what_was_read_and_written()
    {
        using var read = await engine.Http.SendAsync(Request("SELECT number FROM numbers(10)", ""));
        Assert.Contains("\"read_rows\":\"10\"", read.Headers.GetValues("X-ClickHouse-Summary").Single());
        await engine.Writer.ExecuteNonQueryAsync(
            "CREATE TABLE IF NOT EXISTS default.summed (a UInt32) ENGINE = MergeTree ORDER BY a"
        );
        using var written = await engine.PostAsync("INSERT INTO default.summed SELECT number FROM numbers(7)");
        Assert.Contains("\"written_rows\":\"7\"", written.Headers.GetValues("X-ClickHouse-Summary").Single());
        using var values = await engine.PostAsync("INSERT INTO default.summed VALUES (1), (2), (1 + 2)");
        Assert.Contains("\"written_rows\":\"3\"", values.Headers.GetValues("X-ClickHouse-Summary").Single());
    }

    [Fact]
    public async Task The_query_log_tells_start_and_end_of_a_statement_by_its_id()
    {
        var id = $"logged-{Guid.NewGuid()}";
        using var asked = await engine.Http.SendAsync(Request("SELECT 144 \nFORMAT JSON", $"query_id={id}"));
        Assert.True(asked.IsSuccessStatusCode);
        using var failed = await engine.Http.SendAsync(Request("SELECT throwIf(1)", $"query_id={id}-f"));
        var logged = await engine.RowsAsync(
            $"SELECT type, query, user, exception_code AS code FROM system.query_log WHERE query_id LIKE '{id}%' "
                + "ORDER BY query_id, type"
        );
        var rows = logged
            .Select(row => $"{row.GetProperty("type")}|{row.GetProperty("query")}|{row.GetProperty("code")}")
            .ToList();

        Assert.Equal(["QueryStart|SELECT 144 \nFORMAT JSON|0", "QueryFinish|SELECT 144 \nFORMAT JSON|0"], rows.Take(2));
        Assert.Equal("ExceptionWhileProcessing|SELECT throwIf(1)|395", rows[^1]);
    }

    private HttpRequestMessage Request(string sql, string query)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(engine.Url, "/?" + query))
        {
            Content = new StringContent(sql),
        };
        request.Headers.Add("X-ClickHouse-User", "reader");
        request.Headers.Add("X-ClickHouse-Key", EmbeddedClickHouse.ReaderPassword);
        return request;
    }
}
