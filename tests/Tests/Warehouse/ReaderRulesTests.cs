using System.Text;
using EventStream.Warehouse.Sql;

namespace EventStream.Tests.Warehouse;

public sealed class ReaderRulesTests
{
    [Theory]
    [InlineData("SELECT file('/etc/passwd')")]
    [InlineData("SELECT FILE ('/etc/passwd')")]
    [InlineData("SELECT file/**/('/etc/passwd')")]
    [InlineData("SELECT `file`('/etc/passwd')")]
    [InlineData("SELECT \"file\"('/etc/passwd')")]
    [InlineData("SELECT `f\\x69le`('/etc/passwd')")]
    [InlineData("SELECT `\\f\\i\\le`('/etc/passwd')")]
    [InlineData("SELECT arrayMap(file, ['/etc/passwd'])")]
    [InlineData("SELECT * APPLY(file) FROM (SELECT '/etc/passwd')")]
    [InlineData("SELECT * APPLY file FROM (SELECT '/etc/passwd')")]
    [InlineData("SELECT 1 --\tfile('/etc/passwd')")]
    [InlineData("SELECT 1 // file('/etc/passwd')")]
    [InlineData("SELECT * FROM url('http://127.0.0.1/', 'LineAsString')")]
    [InlineData("SELECT * FROM s3('http://127.0.0.1/a/b', 'CSV')")]
    [InlineData("SELECT * FROM remote('127.0.0.1', system.one)")]
    [InlineData("DESCRIBE file('/etc/passwd')")]
    public void A_reader_reaches_nothing_outside_the_database(string sql) =>
        Assert.Contains("reaches outside", ReaderRules.Refusal(Parse(sql), []));

    [Theory]
    [InlineData("file")]
    [InlineData("`file`")]
    [InlineData("f\\x69le")]
    public void An_identifier_parameter_hides_no_function(string value) => Assert.Contains(
        "Parameter 'f'",
        ReaderRules.Refusal(
            Parse("SELECT arrayMap({f:Identifier}, ['/etc/passwd'])"), [KeyValuePair.Create("f", value)]));

    [Theory]
    [InlineData("INSERT INTO t VALUES (1)")]
    [InlineData("DROP TABLE t")]
    [InlineData("SET readonly = 0")]
    [InlineData("KILL QUERY WHERE 1 ASYNC")]
    [InlineData("SYSTEM FLUSH LOGS")]
    [InlineData("USE es")]
    public void A_reader_changes_nothing(string sql) =>
        Assert.StartsWith("A read-only user may send SELECT", ReaderRules.Refusal(Parse(sql), []));

    [Theory]
    [InlineData("SELECT url, count() FROM es.beacons GROUP BY url")]
    [InlineData("SELECT 'file' AS x WHERE x = 'url('")]
    [InlineData("WITH {v:String} AS id SELECT * FROM es.sessions WHERE video_id = id")]
    [InlineData("SHOW TABLES FROM es")]
    [InlineData("EXPLAIN SELECT 1")]
    public void A_reader_asks_what_it_likes_of_the_database(string sql) =>
        Assert.Null(ReaderRules.Refusal(Parse(sql), [KeyValuePair.Create("v", "file")]));

    private static SqlStatement Parse(string sql) => SqlStatement.Parse(Encoding.UTF8.GetBytes(sql));
}
