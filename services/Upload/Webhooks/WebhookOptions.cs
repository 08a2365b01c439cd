using System.Net;
using EventStream.Hosting;
using EventStream.Upload.Outbound;
using Microsoft.Extensions.Configuration;

namespace EventStream.Upload.Webhooks;

/// <summary>Settings of webhooks, section <c>Webhooks</c>.</summary>
public sealed record WebhookOptions
{
    /// <summary>
    /// Private addresses and networks that webhooks may call, also without TLS, with commas:
    /// <c>Webhooks:AllowedNetworks</c>, such as <c>10.1.0.0/16</c>. Without it they call public addresses only.
    /// </summary>
    public IReadOnlyList<string> AllowedNetworks { get; init; } = [];

    /// <summary>Webhooks of one publisher at a time: <c>Webhooks:PerPublisherMax</c>.</summary>
    public int PerPublisherMax { get; init; } = 20;

    /// <summary>How long the receiver of a call may take to answer: <c>Webhooks:Timeout</c>.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long the log of calls is kept: <c>Webhooks:LogKeptFor</c>.</summary>
    public TimeSpan LogKeptFor { get; init; } = TimeSpan.FromDays(30);

    /// <summary>The networks of <see cref="AllowedNetworks"/>.</summary>
    internal IReadOnlyList<IPNetwork> Networks { get; init; } = [];

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static WebhookOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var (read, unset) = (new SettingsReader(configuration, "Webhooks", errors), new WebhookOptions());
        IReadOnlyList<string> words = read.Text("AllowedNetworks", "")
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return new WebhookOptions
        {
            AllowedNetworks = words,
            Networks = HostList.Networks("Webhooks:AllowedNetworks", words, errors),
            PerPublisherMax = read.Whole("PerPublisherMax", unset.PerPublisherMax, 0, 1000),
            Timeout = read.Time("Timeout", unset.Timeout),
            LogKeptFor = read.Time("LogKeptFor", unset.LogKeptFor),
        };
    }
}
