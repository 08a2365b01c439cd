using EventStream.Embedded.ClickHouse;

namespace EventStream.Embedded.Tests.ClickHouse;

public sealed class ClickHouseWordsTests
{
    [Theory]
    [InlineData("Code: 60. DB::Exception: Unknown table 'es.nope'. (UNKNOWN_TABLE)", 60, "UNKNOWN_TABLE")]
    [InlineData("Code: 60. DB::Exception: There is none. (UNKNOWN_TABLE) (version 26.5.1.1)", 60, "UNKNOWN_TABLE")]
    [InlineData(
        "Code: 27. DB::Exception: bad: (at row 2)\n: While executing File. " + "(CANNOT_PARSE_INPUT)",
        27,
        "CANNOT_PARSE_INPUT"
    )]
    [InlineData("Code: 62, e.displayText() = DB::Exception: Syntax error", 62, "")]
    [InlineData("502 Bad Gateway", 0, "")]
    public void An_error_has_clickhouse_s_code_and_name(string text, int code, string name)
    {
        var error = ClickHouseException.Parse(text);
        Assert.Equal((code, name, text), (error.Code, error.Name, error.Message));
    }

    [Fact]
    public void Settings_are_always_quoted_so_that_a_token_of_digits_stays_a_text() =>
        Assert.Equal(
            """SET insert_deduplication_token='0012', join_algorithm='a\'b\\c'""",
            ClickHouseSettings.Statement(
                [
                    KeyValuePair.Create("insert_deduplication_token", "0012"),
                    KeyValuePair.Create("join_algorithm", "a'b\\c"),
                ],
                new EmbeddedOptions()
            )
        );

    [Theory]
    [InlineData("a=1, readonly")]
    [InlineData("max_threads;DROP")]
    [InlineData("1a")]
    [InlineData("")]
    public void A_setting_with_an_impossible_name_is_unknown(string name) =>
        Assert.Equal(
            115,
            Assert
                .Throws<ClickHouseException>(() =>
                    ClickHouseSettings.Statement([KeyValuePair.Create(name, "1")], new EmbeddedOptions())
                )
                .Code
        );

    [Theory]
    [InlineData("max_execution_time", "10", "10")]
    [InlineData("max_execution_time", "0.5", "0.5")]
    [InlineData("max_execution_time", "100000", "120")]
    [InlineData("max_execution_time", "0", "120")]
    [InlineData("max_threads", "64", "2")]
    [InlineData("max_memory_usage", "99999999999", "419430400")]
    public void Of_a_bound_and_what_is_asked_for_the_smaller_counts(string name, string asked, string counts) =>
        Assert.Equal(
            $"SET {name}='{counts}'",
            ClickHouseSettings.Statement([KeyValuePair.Create(name, asked)], new EmbeddedOptions())
        );

    [Theory]
    [InlineData("0", "10000")]
    [InlineData("100000", "100000")]
    public void Progress_is_not_asked_for_without_a_pause(string asked, string counts) =>
        Assert.Equal(
            $"SET interactive_delay='{counts}'",
            ClickHouseSettings.Statement([KeyValuePair.Create("interactive_delay", asked)], new EmbeddedOptions())
        );

    [Fact]
    public void An_error_inside_its_own_twin_is_said_once() =>
        Assert.Equal(
            "Code: 452. DB::Exception: Setting a should not be changed. (SETTING_CONSTRAINT_VIOLATION)",
            ClickHouseException
                .Parse(
                    "Code: 452. DB::Exception: Code: 452. DB::Exception: Setting a should not be changed. "
                        + "(SETTING_CONSTRAINT_VIOLATION) (version 26.5.1.1). (SETTING_CONSTRAINT_VIOLATION)"
                )
                .Message
        );

    [Theory]
    [InlineData("query", false)]
    [InlineData("param_x", false)]
    [InlineData("session_id", false)]
    [InlineData("max_block_size", true)]
    public void Url_parameters_are_settings_unless_the_interface_knows_them(string name, bool setting) =>
        Assert.Equal(setting, ClickHouseSettings.IsSetting(name));

    [Fact]
    public async Task A_queue_lets_some_through_makes_some_wait_and_refuses_the_rest()
    {
        using var queue = new StatementQueue(1, 1);
        var first = await queue.EnterAsync(CancellationToken.None);
        var second = queue.EnterAsync(CancellationToken.None);
        var refused = await Assert.ThrowsAsync<ClickHouseException>(() => queue.EnterAsync(CancellationToken.None));
        Assert.Equal(202, refused.Code);
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
        (await queue.EnterAsync(CancellationToken.None)).Dispose();
    }
}
