using EventStream.Cli;
using EventStream.Hosting;
using EventStream.Warehouse;
using EventStream.Warehouse.Sink;
using Microsoft.Extensions.Configuration;

namespace EventStream.Unit.Tests.Warehouse;

/// <summary>The settings of ClickHouse, of its client, the sink, and the role that takes its place.</summary>
public sealed class ClickHouseOptionsTests
{
    [Fact]
    public void An_engine_without_passwords_does_not_start_and_names_the_settings()
    {
        var error = Assert.Throws<RoleConfigurationException>(() =>
            ClickHouseRole.Read(Settings(("ClickHouse:Password", "x"), ("ClickHouse:QuerySecondsMax", "0")))
        );
        Assert.Contains("set ClickHouse:ReaderPassword, or ClickHouse:ReaderPasswordFile", error.Message);
        Assert.Contains("QuerySecondsMax", error.Message);
        Assert.Contains(
            "differ",
            Assert
                .Throws<RoleConfigurationException>(() =>
                    ClickHouseRole.Read(Settings(("ClickHouse:Password", "x"), ("ClickHouse:ReaderPassword", "x")))
                )
                .Message
        );
        Assert.Contains(
            "/nowhere",
            Assert
                .Throws<RoleConfigurationException>(() =>
                    ClickHouseRole.Read(
                        Settings(("ClickHouse:PasswordFile", "/nowhere"), ("ClickHouse:ReaderPassword", "x"))
                    )
                )
                .Message
        );
        Assert.Contains("ClickHouse:Password", Assert.Single(Errors()));
    }

    [Fact]
    public void A_password_may_stand_in_a_file()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "secret\n");
        var settings = Settings(("ClickHouse:PasswordFile", file), ("ClickHouse:ReaderPassword", "y"));
        Assert.Equal("secret", ClickHouseRole.Read(settings).Password);
        Assert.Equal("secret", ClickHouseOptions.Read(settings, []).Password);
        File.Delete(file);
    }

    [Fact]
    public void Wrong_settings_of_the_sink_are_all_named()
    {
        var errors = new List<string>();
        SinkOptions.Read(Settings(("Warehouse:BatchRowsMax", "0"), ("Warehouse:BatchAgeMilliseconds", "1")), errors);
        Assert.Equal(2, errors.Count);
        Assert.Contains("BatchRowsMax", errors[0]);
        Assert.Contains("BatchAgeMilliseconds", errors[1]);
    }

    [Theory]
    [InlineData("Url", "nonsense")]
    [InlineData("Url", "ftp://host")]
    [InlineData("ReaderUser", "a`b")]
    [InlineData("ReaderSecondsMax", "0")]
    [InlineData("ReaderBytesMax", "many")]
    [InlineData("ConnectionsMax", "0")]
    public void A_setting_of_the_client_that_is_wrong_is_named(string key, string value) =>
        Assert.Contains(
            $"ClickHouse:{key}",
            Assert.Single(Errors(("ClickHouse:Password", "w"), ($"ClickHouse:{key}", value)))
        );

    private static List<string> Errors(params (string Key, string Value)[] pairs)
    {
        var errors = new List<string>();
        ClickHouseOptions.Read(Settings(pairs), errors);
        return errors;
    }

    private static IConfiguration Settings(params (string Key, string Value)[] pairs) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(pairs.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value)))
            .Build();
}
