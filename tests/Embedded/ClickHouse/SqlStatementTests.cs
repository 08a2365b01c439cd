using System.Text;
using EventStream.Embedded.ClickHouse.Sql;

namespace EventStream.Embedded.Tests.ClickHouse;

public sealed class SqlStatementTests
{
    [Theory]
    [InlineData("SELECT 1; SELECT 2")]
    [InlineData("SELECT 1; DROP TABLE t")]
    [InlineData("SELECT 'a\\'; still text'; DROP TABLE t")]
    [InlineData("/* one */ SELECT 1 ; -- two\n DROP TABLE t")]
    public void More_than_one_statement_is_refused(string sql) =>
        Assert.Contains("Multi-statements", Assert.Throws<SqlTextException>(() => Parse(sql)).Message);

    [Theory]
    [InlineData("SELECT 1;")]
    [InlineData("SELECT 1; -- done")]
    [InlineData("-- first\nSELECT 'a;b'")]
    [InlineData("SELECT 1 /* ; */")]
    public void A_trailing_semicolon_and_comments_are_one_statement(string sql) =>
        Assert.Equal(SqlKind.Read, Parse(sql).Kind);

    [Theory]
    [InlineData("")]
    [InlineData(" ; ")]
    [InlineData("-- nothing")]
    public void An_empty_query_says_so(string sql) =>
        Assert.Equal("Empty query.", Assert.Throws<SqlTextException>(() => Parse(sql)).Message);

    [Theory]
    [InlineData("SELECT 'open")]
    [InlineData("SELECT `open")]
    [InlineData("SELECT 1 /* open")]
    public void What_is_not_closed_is_refused(string sql) =>
        Assert.Contains("not closed", Assert.Throws<SqlTextException>(() => Parse(sql)).Message);

    [Theory]
    [InlineData("SELECT 1,\u00A0file('/etc/passwd')")]
    [InlineData("SELECT \u201Cfile\u201D('/etc/passwd')")]
    [InlineData("SELECT \u2018x\u2019")]
    public void Blanks_and_quotes_outside_ascii_are_refused_because_rules_cannot_see_through_them(string sql) =>
        Assert.Contains("not ASCII", Assert.Throws<SqlTextException>(() => Parse(sql)).Message);

    [Theory]
    [InlineData("INSERT INTO t FORMAT JSONEachRow\n{\"a\":1}", "INSERT INTO t", "JSONEachRow", "{\"a\":1}")]
    [InlineData("INSERT INTO es.t (a, `b`) FORMAT CSV 1,';\n'", "INSERT INTO es.t (a, `b`)", "CSV", "1,';\n'")]
    [InlineData(
        "INSERT INTO t (a) SETTINGS async_insert=0 VALUES (1), (2)",
        "INSERT INTO t (a) SETTINGS " + "async_insert=0",
        "Values",
        " (1), (2)"
    )]
    [InlineData(
        "insert into t (format, values, select) values (1)",
        "insert into t (format, values, " + "select)",
        "Values",
        " (1)"
    )]
    public void The_rows_of_an_insert_are_parted_from_its_statement(string sql, string text, string format, string rows)
    {
        var statement = Parse(sql);
        Assert.Equal(SqlKind.InsertData, statement.Kind);
        Assert.Equal((text, format), (statement.Text, statement.Format));
        Assert.Equal(rows, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(sql).AsSpan(statement.DataStart)));
    }

    [Fact]
    public void Binary_rows_begin_right_after_the_line_break_and_are_never_read_as_text()
    {
        byte[] sql = [.. "INSERT INTO t FORMAT RowBinary\n"u8, 0xFF, (byte)'\'', (byte)';', (byte)'\n', 0x00];
        Assert.Equal(5, sql.Length - SqlStatement.Parse(sql).DataStart);
    }

    [Fact]
    public void An_insert_without_format_takes_values_from_the_body() =>
        Assert.Equal(
            (SqlKind.InsertData, "Values"),
            (Parse("INSERT INTO t (a)").Kind, Parse("INSERT INTO t (a)").Format)
        );

    [Theory]
    [InlineData("INSERT INTO t SELECT * FROM u", SqlKind.Command)]
    [InlineData("INSERT INTO t (a) (SELECT 1)", SqlKind.Command)]
    [InlineData("INSERT INTO t WITH 1 AS x SELECT x", SqlKind.Command)]
    [InlineData("(SELECT 1) UNION ALL SELECT 2", SqlKind.Read)]
    [InlineData("WITH 1 AS x SELECT x", SqlKind.Read)]
    [InlineData("FROM t SELECT 1", SqlKind.Read)]
    [InlineData("SHOW TABLES", SqlKind.Read)]
    [InlineData("describe t", SqlKind.Read)]
    [InlineData("CREATE TABLE t (a Int32) ENGINE = Memory", SqlKind.Command)]
    [InlineData("SET max_threads = 1", SqlKind.Command)]
    public void A_statement_is_known_by_its_first_words(string sql, SqlKind kind) =>
        Assert.Equal(kind, Parse(sql).Kind);

    private static SqlStatement Parse(string sql) => SqlStatement.Parse(Encoding.UTF8.GetBytes(sql));
}
