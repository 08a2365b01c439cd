using EventStream.Hosting;
using EventStream.Warehouse;
using EventStream.Warehouse.Embedded;
using EventStream.Warehouse.Sink;
using Microsoft.Extensions.Configuration;

namespace EventStream.Tests.Warehouse;

public sealed class ClickHouseWordsTests
{
    [Theory]
    [InlineData("Code: 60. DB::Exception: Unknown table 'es.nope'. (UNKNOWN_TABLE)", 60, "UNKNOWN_TABLE")]
    [InlineData("Code: 60. DB::Exception: There is none. (UNKNOWN_TABLE) (version 26.5.1.1)", 60, "UNKNOWN_TABLE")]
    [InlineData("Code: 27. DB::Exception: bad: (at row 2)\n: While executing File. "
        + "(CANNOT_PARSE_INPUT)", 27, "CANNOT_PARSE_INPUT")]
    [InlineData("Code: 62, e.displayText() = DB::Exception: Syntax error", 62, "")]
    [InlineData("502 Bad Gateway", 0, "")]
    public void An_error_has_clickhouse_s_code_and_name(string text, int code, string name)
    {
        var error = ClickHouseException.Parse(text);
        Assert.Equal((code, name, text), (error.Code, error.Name, error.Message));
    }

    [Fact]
    public void Settings_are_always_quoted_so_that_a_token_of_digits_stays_a_text() => Assert.Equal(
        """SET insert_deduplication_token='0012', join_algorithm='a\'b\\c'""",
        ClickHouseSettings.Statement(
            [
                KeyValuePair.Create("insert_deduplication_token", "0012"),
                KeyValuePair.Create("join_algorithm", "a'b\\c"),
            ],
            reader: false));

    [Theory]
    [InlineData("a=1, readonly")]
    [InlineData("max_threads;DROP")]
    [InlineData("1a")]
    [InlineData("")]
    public void A_setting_with_an_impossible_name_is_unknown(string name) => Assert.Equal(
        115,
        Assert.Throws<ClickHouseException>(
            () => ClickHouseSettings.Statement([KeyValuePair.Create(name, "1")], reader: false)).Code);

    [Theory]
    [InlineData("readonly")]
    [InlineData("max_memory_usage")]
    [InlineData("max_execution_time")]
    public void A_reader_lifts_no_bound(string name) => Assert.Equal(
        452,
        Assert.Throws<ClickHouseException>(
            () => ClickHouseSettings.Statement([KeyValuePair.Create(name, "1")], reader: true)).Code);

    [Theory]
    [InlineData("query", false)]
    [InlineData("param_x", false)]
    [InlineData("session_id", false)]
    [InlineData("max_block_size", true)]
    public void Url_parameters_are_settings_unless_the_interface_knows_them(string name, bool setting) =>
        Assert.Equal(setting, ClickHouseSettings.IsSetting(name));

    [Fact]
    public async Task A_turnstile_lets_some_through_makes_some_wait_and_refuses_the_rest()
    {
        using var turnstile = new Turnstile(1, 1);
        var first = await turnstile.EnterAsync(CancellationToken.None);
        var second = turnstile.EnterAsync(CancellationToken.None);
        var refused = await Assert.ThrowsAsync<ClickHouseException>(() => turnstile.EnterAsync(CancellationToken.None));
        Assert.Equal(202, refused.Code);
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
        (await turnstile.EnterAsync(CancellationToken.None)).Dispose();
    }

    [Fact]
    public void An_engine_open_to_the_network_must_have_passwords()
    {
        var error = Assert.Throws<RoleConfigurationException>(() => EmbeddedOptions.From(Settings(
            ("Listen:clickhouse", "http://0.0.0.0:8123"), ("ClickHouse:Password", "x"),
            ("ClickHouse:QuerySecondsMax", "0"))));
        Assert.Contains("has no password", error.Message);
        Assert.Contains("QuerySecondsMax", error.Message);
        Assert.NotNull(EmbeddedOptions.From(Settings(
            ("Listen:clickhouse", "http://0.0.0.0:8123"), ("ClickHouse:Password", "x"),
            ("ClickHouse:ReaderPassword", "y"))));
    }

    [Fact]
    public void Wrong_settings_of_the_sink_are_all_named()
    {
        var error = Assert.Throws<RoleConfigurationException>(() => SinkOptions.From(Settings(
            ("Warehouse:BatchRowsMax", "0"), ("Warehouse:BatchAgeMilliseconds", "1"))));
        Assert.Contains("BatchRowsMax", error.Message);
        Assert.Contains("BatchAgeMilliseconds", error.Message);
    }

    [Fact]
    public void An_address_that_is_none_is_named() => Assert.Contains(
        "ClickHouse:Url",
        Assert.Throws<RoleConfigurationException>(
            () => ClickHouseOptions.From(Settings(("ClickHouse:Url", "nonsense")), "warehouse")).Message);

    private static IConfiguration Settings(params (string Key, string Value)[] pairs) => new ConfigurationBuilder()
        .AddInMemoryCollection(pairs.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value))).Build();
}
