using System.Net;
using EventStream.Embedded.ClickHouse.Sql;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.ClickHouse;

/// <summary>
/// Nobody from outside leaves the tables of the server: neither the reader nor the writer. Files that statements name
/// are the test's own, so that one that gets through harms nothing.
/// </summary>
[Trait("Category", "Integration")]
[Collection(EmbeddedClickHouseCollection.Name)]
public sealed class EngineDoorsTests(EmbeddedClickHouse engine) : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-doors-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Every_table_function_of_the_engine_that_is_not_on_the_list_is_refused_to_both_users()
    {
        var names = await NamesAsync("SELECT name AS n FROM system.table_functions");
        Assert.Contains("file", names);
        foreach (var name in names.Where(name => !AccessLists.TableFunctions.Contains(name)))
        {
            foreach (var user in (string[])["default", "reader"])
            {
                // Its grammar wants statements where the others take values.
                var arguments = name == "viewIfPermitted" ? $"SELECT 1 ELSE file('{Secret}')" : $"'{Secret}'";
                await RefusedAsync($"SELECT * FROM {name}({arguments})", user);
                await RefusedAsync($"SELECT 1 WHERE 1 IN (SELECT * FROM /* */ {name} ({arguments}))", user);
            }
        }
    }

    [Fact]
    public async Task Every_engine_that_is_not_on_the_list_is_refused()
    {
        var engines = await NamesAsync("SELECT name AS n FROM system.table_engines");
        Assert.Contains("MergeTree", engines);
        foreach (var name in engines.Where(name => !AccessLists.Engines.Contains(name)))
            await RefusedAsync($"CREATE TABLE doors (a String) ENGINE = {name}('{Secret}')");
        foreach (var name in await NamesAsync("SELECT name AS n FROM system.database_engines"))
        {
            if (!AccessLists.Engines.Contains(name))
                await RefusedAsync($"CREATE DATABASE doors ENGINE = {name}('{folder}')");
        }
    }

    [Theory]
    [InlineData("SELECT file('{0}')")]
    [InlineData("SELECT `f\\x69le`('{0}')")]
    [InlineData("SELECT \"file\" /* a */ ('{0}')")]
    [InlineData("SELECT arrayMap(file, ['{0}'])")]
    [InlineData("SELECT arrayMap(x -> file(x), ['{0}'])")]
    [InlineData("SELECT * APPLY(file) FROM (SELECT '{0}')")]
    [InlineData("SELECT * APPLY(x -> file(x)) FROM (SELECT '{0}')")]
    [InlineData("SELECT sum(number) OVER w FROM numbers(2) WINDOW w AS (ORDER BY file('{0}'))")]
    [InlineData("WITH file('{0}') AS a SELECT a")]
    [InlineData("WITH t AS (SELECT * FROM file('{0}', 'LineAsString')) SELECT * FROM t")]
    [InlineData("SELECT 1 UNION ALL SELECT (SELECT count() FROM file('{0}', 'LineAsString'))")]
    [InlineData("SELECT 1 WHERE 'a' IN file('{0}', 'LineAsString')")]
    [InlineData("SELECT * FROM '{0}'")]
    [InlineData("SELECT * FROM default.`{0}`")]
    [InlineData("DESCRIBE file('{0}')")]
    [InlineData("DESCRIBE TABLE url('http://127.0.0.1:1/')")]
    [InlineData("EXPLAIN SELECT * FROM file('{0}')")]
    [InlineData("SELECT * FROM format(Values, 'a String', '(file(''{0}''))')")]
    [InlineData("SELECT * FROM view(SELECT file('{0}'))")]
    [InlineData("SELECT 1 INTO OUTFILE '{0}.out'")]
    [InlineData("SELECT 1 INTO /* a */ OUTFILE '{0}.out' FORMAT TSV")]
    [InlineData("SHOW TABLES INTO OUTFILE '{0}.out'")]
    [InlineData("SELECT 1 AS `x\\nFoo` INTO OUTFILE '{0}.out'")]
    [InlineData("SELECT 1 AS \"x\nFoo\" INTO OUTFILE '{0}.out'")]
    [InlineData("SELECT catboostEvaluate('{0}', 1)")]
    [InlineData("SELECT aiGenerate('a')")]
    [InlineData("SYSTEM SHUTDOWN")]
    [InlineData("EXECUTE AS default SELECT 1")]
    [InlineData("SET ROLE inside")]
    public async Task A_reader_and_a_writer_reach_nothing_outside(string sql)
    {
        foreach (var user in (string[])["default", "reader"])
            await RefusedAsync(string.Format(null, sql, Secret), user);
        Assert.False(File.Exists(Secret + ".out"));
    }

    [Theory]
    [InlineData("x\nFoo")]
    [InlineData("x\\nFoo")]
    public async Task A_parameter_for_a_name_looks_like_no_line_of_the_tree(string name)
    {
        var query = $"param_name={Uri.EscapeDataString(name)}";
        await RefusedAsync($"SELECT 1 AS {{name:Identifier}} INTO OUTFILE '{Secret}.out'", "reader", "497", query);
        Assert.False(File.Exists(Secret + ".out"));
        using var text = await engine.PostAsync("SELECT {name:String}, 1 AS Identifier", "param_name=a%5Cnb", "reader");
        Assert.True(text.IsSuccessStatusCode, await text.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("INSERT INTO FUNCTION file('{0}.out', 'TSV', 'a UInt8') SELECT 1")]
    [InlineData("INSERT INTO TABLE FUNCTION file('{0}.out', 'TSV', 'a UInt8') VALUES (1)")]
    [InlineData("INSERT INTO doors.t FROM INFILE '{0}' FORMAT LineAsString")]
    [InlineData("INSERT INTO doors.t SELECT * FROM file('{0}', 'LineAsString')")]
    [InlineData("INSERT INTO doors.t SELECT * FROM input('a String') FORMAT TSV")]
    [InlineData("INSERT INTO doors.t VALUES (file('{0}'))")]
    [InlineData("INSERT INTO doors.t VALUES ('a'), (`file`('{0}'))")]
    [InlineData("INSERT INTO doors.t VALUES (arrayStringConcat(arrayMap(file, ['{0}'])))")]
    [InlineData("CREATE TABLE doors.u AS file('{0}', 'LineAsString')")]
    [InlineData("CREATE TABLE doors.u ENGINE = MergeTree ORDER BY tuple() AS SELECT file('{0}')")]
    [InlineData("CREATE TABLE doors.u (a String DEFAULT file('{0}')) ENGINE = Memory")]
    [InlineData(
        "CREATE TABLE doors.u (a UInt8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = "
            + "local, path = '{0}')"
    )]
    [InlineData("CREATE TABLE doors.u (a UInt8) ENGINE = MergeTree ORDER BY a TTL toDate(length(file('{0}')))")]
    [InlineData("CREATE VIEW doors.v AS SELECT * FROM file('{0}', 'LineAsString')")]
    [InlineData("CREATE VIEW doors.v (a String) AS SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')")]
    [InlineData(
        "CREATE VIEW doors.v DEFINER = default SQL SECURITY DEFINER AS SELECT * FROM file('{0}', " + "'LineAsString')"
    )]
    [InlineData("CREATE MATERIALIZED VIEW doors.v ENGINE = URL('http://127.0.0.1:1/', TSV) AS SELECT 1")]
    [InlineData("CREATE MATERIALIZED VIEW doors.v ENGINE = Memory AS SELECT a, file('{0}') FROM doors.t")]
    [InlineData("CREATE FUNCTION door AS x -> file(x)")]
    [InlineData(
        "CREATE DICTIONARY doors.d (a String) PRIMARY KEY a SOURCE(FILE(path '{0}' format 'TSV')) "
            + "LAYOUT(FLAT()) LIFETIME(0)"
    )]
    [InlineData(
        "CREATE DICTIONARY doors.d (a String) PRIMARY KEY a SOURCE(HTTP(url 'http://127.0.0.1:1/' "
            + "format 'TSV')) LAYOUT(FLAT()) LIFETIME(0)"
    )]
    [InlineData(
        "CREATE DICTIONARY doors.d (a String) PRIMARY KEY a SOURCE(EXECUTABLE(command 'id' format "
            + "'TSV')) LAYOUT(FLAT()) LIFETIME(0)"
    )]
    [InlineData(
        "CREATE DICTIONARY doors.d (a String) PRIMARY KEY a SOURCE(CLICKHOUSE(host '127.0.0.1' "
            + "port 1 table 't')) LAYOUT(FLAT()) LIFETIME(0)"
    )]
    [InlineData("CREATE NAMED COLLECTION door AS url = 'http://127.0.0.1:1/'")]
    [InlineData("ATTACH TABLE doors.u FROM '{0}-folder' (a UInt8) ENGINE = MergeTree ORDER BY a")]
    [InlineData("BACKUP TABLE doors.t TO File('{0}.backup')")]
    [InlineData("RESTORE TABLE doors.t FROM File('{0}.backup')")]
    [InlineData("ALTER TABLE doors.t FREEZE")]
    [InlineData("ALTER TABLE doors.t MODIFY SETTING storage_policy = 's3'")]
    [InlineData("SYSTEM RELOAD CONFIG")]
    [InlineData("CREATE USER door")]
    [InlineData("GRANT ALL ON *.* TO default")]
    [InlineData("INSERT INTO system.query_log (query) VALUES ('a')")]
    public async Task A_writer_defines_nothing_that_reaches_outside(string sql)
    {
        await OkAsync("CREATE DATABASE IF NOT EXISTS doors ENGINE = Atomic");
        await OkAsync("CREATE TABLE IF NOT EXISTS doors.t (a String) ENGINE = MergeTree ORDER BY a");
        await RefusedAsync(string.Format(null, sql, Secret));
        Assert.Equal([], folder.GetFiles("*.out").Select(file => file.Name));
    }

    [Theory]
    [InlineData("SELECT 1 FORMAT Template SETTINGS format_template_row = '{0}'")]
    [InlineData("SELECT 1 SETTINGS output_format_schema = '{0}.out'")]
    [InlineData("SELECT 1 SETTINGS max_execution_time = 100000")]
    [InlineData("SELECT 1 SETTINGS max_memory_usage = 0")]
    [InlineData("SELECT * FROM (SELECT 1 SETTINGS max_execution_time = 0)")]
    [InlineData("SELECT 1 SETTINGS allow_introspection_functions = 0")]
    public async Task No_setting_names_a_file_or_lifts_a_bound(string sql)
    {
        foreach (var user in (string[])["default", "reader"])
            await RefusedAsync(string.Format(null, sql, Secret), user, "452");
        await RefusedAsync(
            "SELECT 1 FORMAT Template",
            "default",
            "452",
            $"format_template_row={Uri.EscapeDataString(Secret)}"
        );
    }

    [Theory]
    [InlineData("SELECT 1 -- rows of the file of yesterday")]
    [InlineData("SELECT 1 AS file, 2 AS url")]
    [InlineData("SELECT file, url FROM (SELECT 1 AS file, 2 AS url)")]
    [InlineData("SELECT 'file' AS x WHERE x != 'url('")]
    [InlineData("SELECT format('{}', 'a')")]
    [InlineData("SELECT 1 SETTINGS max_execution_time = 10")]
    [InlineData("SELECT count() FROM merge('system', '^one$')")]
    [InlineData("SELECT number FROM numbers(1) WHERE number IN (SELECT 0)")]
    [InlineData("EXPLAIN SELECT 1")]
    [InlineData("SHOW TABLES FROM system LIMIT 1")]
    public async Task A_reader_asks_what_it_likes_of_the_database(string sql)
    {
        using var response = await engine.PostAsync(sql, "max_execution_time=10", "reader");
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("SELEC 1", "Syntax error: failed at position 1 (SELEC)")]
    [InlineData("SELECT 1 FROM", "Syntax error: failed at position 14")]
    public async Task A_typo_is_a_syntax_error_where_it_stands(string sql, string sentence)
    {
        using var response = await engine.PostAsync(sql, "", "reader");
        var text = await response.Content.ReadAsStringAsync();
        Assert.Equal("62", response.Headers.GetValues("X-ClickHouse-Exception-Code").Single());
        Assert.StartsWith("Code: 62. DB::Exception: " + sentence, text);
    }

    [Theory]
    [InlineData("evil.example", false)]
    [InlineData("evil.example:8123", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("localhost", true)]
    [InlineData("127.0.0.1:1", true)]
    public async Task Only_names_of_the_server_are_answered(string host, bool answered)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            new Uri(engine.Url, $"/?user=reader&password={EmbeddedClickHouse.ReaderPassword}&query=SELECT+1")
        );
        request.Headers.Host = host;
        using var response = await engine.Http.SendAsync(request);
        Assert.Equal(answered ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);
        request.Dispose();
        using var forwarded = new HttpRequestMessage(HttpMethod.Get, new Uri(engine.Url, "/ping"));
        forwarded.Headers.Host = host;
        forwarded.Headers.Add("X-Forwarded-Host", "localhost");
        using var pinged = await engine.Http.SendAsync(forwarded);
        Assert.Equal(answered ? HttpStatusCode.OK : HttpStatusCode.Forbidden, pinged.StatusCode);
    }

    [Fact]
    public async Task An_engine_without_a_password_does_not_start()
    {
        await using var process = EventStreamProcess.Launch(
            "clickhouse",
            ("ClickHouse:DataFolder", folder.FullName),
            ("ClickHouse:Password", "w")
        );
        await process.UntilExitAsync();
        Assert.NotEqual(0, process.ExitCode);
        Assert.Contains("set ClickHouse:ReaderPassword", process.Output);
    }

    private string Secret
    {
        get
        {
            var path = Path.Combine(folder.FullName, "secret");
            if (!File.Exists(path))
                File.WriteAllText(path, "the-secret\n");
            return path;
        }
    }

    private async Task RefusedAsync(string sql, string user = "default", string code = "497", string query = "")
    {
        using var response = await engine.PostAsync(sql, query, user);
        var text = await response.Content.ReadAsStringAsync();
        Assert.False(response.IsSuccessStatusCode, $"{user} may: {sql}");
        Assert.DoesNotContain("the-secret", text);
        Assert.True(
            response.Headers.GetValues("X-ClickHouse-Exception-Code").Single() == code,
            $"{user}: {sql}: {text}"
        );
    }

    private async Task OkAsync(string sql)
    {
        using var response = await engine.PostAsync(sql);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<List<string>> NamesAsync(string sql) =>
        [.. (await engine.RowsAsync(sql)).Select(row => row.GetProperty("n").GetString()!)];
}
