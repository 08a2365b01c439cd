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
        Assert.Contains(
            "ClickHouse:Password",
            Assert.Throws<RoleConfigurationException>(() => ClickHouseOptions.From(Settings(), "warehouse")).Message
        );
    }

    [Fact]
    public void A_password_may_stand_in_a_file()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "secret\n");
        var settings = Settings(("ClickHouse:PasswordFile", file), ("ClickHouse:ReaderPassword", "y"));
        Assert.Equal("secret", ClickHouseRole.Read(settings).Password);
        Assert.Equal("secret", ClickHouseOptions.From(settings, "warehouse").Password);
        File.Delete(file);
    }

    [Fact]
    public void Wrong_settings_of_the_sink_are_all_named()
    {
        var error = Assert.Throws<RoleConfigurationException>(() =>
            SinkOptions.From(Settings(("Warehouse:BatchRowsMax", "0"), ("Warehouse:BatchAgeMilliseconds", "1")))
        );
        Assert.Contains("BatchRowsMax", error.Message);
        Assert.Contains("BatchAgeMilliseconds", error.Message);
    }

    [Fact]
    public void An_address_that_is_none_is_named() =>
        Assert.Contains(
            "ClickHouse:Url",
            Assert
                .Throws<RoleConfigurationException>(() =>
                    ClickHouseOptions.From(Settings(("ClickHouse:Url", "nonsense")), "warehouse")
                )
                .Message
        );

    private static IConfiguration Settings(params (string Key, string Value)[] pairs) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(pairs.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value)))
            .Build();
}
