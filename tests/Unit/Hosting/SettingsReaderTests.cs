using System.Net;
using EventStream.Embedded.Broker;
using EventStream.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Unit.Tests.Hosting;

/// <summary>
/// A record of options is filled from its section, as that of the broker, or all errors are told at once.
/// </summary>
public sealed class SettingsReaderTests
{
    [Fact]
    public void Every_kind_of_option_can_be_set()
    {
        var (options, errors) = Read(
            ("PORT", "9094"),
            ("address", "::1"),
            ("Flush", "always"),
            ("AutoCreateTopics", "true"),
            ("InFlightBytesMax", "99999999999"),
            ("OffsetsRetention", "1.12:00:00"),
            ("AdvertisedHost", "kafka.example")
        );
        Assert.Empty(errors);
        Assert.Equal(
            (9094, IPAddress.IPv6Loopback, FlushMode.Always, true, 99_999_999_999, TimeSpan.FromHours(36)),
            (
                options.Port,
                options.Address,
                options.Flush,
                options.AutoCreateTopics,
                options.InFlightBytesMax,
                options.OffsetsRetention
            )
        );
        Assert.Equal("kafka.example", options.AdvertisedHost);
    }

    [Fact]
    public void Options_within_options_are_sections()
    {
        var (options, errors) = Read(
            ("Security:Protocol", "SASL_SSL"),
            ("Security:Mechanisms", "PLAIN, SCRAM-SHA-256"),
            ("Security:Users:anna", "secret"),
            ("Security:SessionLifetime", "01:00:00")
        );
        Assert.Empty(errors);
        Assert.Equal("SaslSsl", options.Security.Protocol.ToString());
        Assert.Equal(["PLAIN", "SCRAM-SHA-256"], options.Security.Mechanisms);
        Assert.Equal("secret", options.Security.Users["anna"]);
        Assert.Equal(TimeSpan.FromHours(1), options.Security.SessionLifetime);
    }

    [Fact]
    public void All_errors_are_told_at_once_each_with_the_setting_and_what_it_takes()
    {
        var (_, errors) = Read(
            ("Port", "ninety"),
            ("Flush", "2"),
            ("Prot", "9092"),
            ("FetchWaitMax", "soon"),
            ("Time", "now")
        );
        Assert.Equal(5, errors.Count);
        Assert.Contains(errors, e => e == "Broker:Port 'ninety' is not a whole number.");
        Assert.Contains(errors, e => e == "Broker:Flush '2' is not one of Process, Always.");
        Assert.Contains(
            errors,
            e =>
                e.StartsWith("Broker:Prot is no setting; ", StringComparison.Ordinal)
                && e.Contains("PartitionsMax, Port, ", StringComparison.Ordinal)
        );
        Assert.Contains(errors, e => e.Contains("FetchWaitMax 'soon' is not a span of time", StringComparison.Ordinal));
        Assert.Contains(errors, e => e.StartsWith("Broker:Time is no setting", StringComparison.Ordinal));
    }

    private static (BrokerOptions Options, List<string> Errors) Read(params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"Broker:{s.Key}", (string?)s.Value)))
            .Build();
        var (options, errors) = (new BrokerOptions { DataFolder = "data" }, new List<string>());
        new SettingsReader(configuration, "Broker", errors).Fill(options);
        return (options, errors);
    }
}
