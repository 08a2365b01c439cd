using System.Net;
using EventStream.Hosting;
using EventStream.Upload.Outbound;
using Microsoft.Extensions.Configuration;

namespace EventStream.Upload.Pulls;

/// <summary>Settings of files that are fetched from an address, section <c>Pull</c>.</summary>
public sealed record PullOptions
{
    /// <summary>
    /// Hosts that files are fetched from, with commas: <c>Pull:AllowedHosts</c>, such as
    /// <c>media.example.com,*.example.org</c>; <c>*</c> for every host with a public address, and nothing for none.
    /// </summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = ["*"];

    /// <summary>
    /// Private addresses and networks that files are fetched from, also without TLS, with commas:
    /// <c>Pull:AllowedNetworks</c>. Without it they come from public addresses only.
    /// </summary>
    public IReadOnlyList<string> AllowedNetworks { get; init; } = [];

    /// <summary>Files that one process fetches at a time: <c>Pull:AtATimeMax</c>.</summary>
    public int AtATimeMax { get; init; } = 4;

    /// <summary>Files that are fetched for one publisher at a time: <c>Pull:PerPublisherMax</c>.</summary>
    public int PerPublisherMax { get; init; } = 2;

    /// <summary>How long a server may be silent: <c>Pull:SilenceMax</c>.</summary>
    public TimeSpan SilenceMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a file may take, with every pause and attempt: <c>Pull:TotalMax</c>.</summary>
    public TimeSpan TotalMax { get; init; } = TimeSpan.FromHours(12);

    /// <summary>The networks of <see cref="AllowedNetworks"/>.</summary>
    internal IReadOnlyList<IPNetwork> Networks { get; init; } = [];

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static PullOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var (read, unset) = (new SettingsReader(configuration, "Pull", errors), new PullOptions());
        var networks = Words(read.Text("AllowedNetworks", ""));
        return new PullOptions
        {
            AllowedHosts = Words(read.Text("AllowedHosts", string.Join(',', unset.AllowedHosts))),
            AllowedNetworks = networks,
            Networks = HostList.Networks("Pull:AllowedNetworks", networks, errors),
            AtATimeMax = read.Whole("AtATimeMax", unset.AtATimeMax, 1, 1000),
            PerPublisherMax = read.Whole("PerPublisherMax", unset.PerPublisherMax, 1, 1000),
            SilenceMax = read.Time("SilenceMax", unset.SilenceMax),
            TotalMax = read.Time("TotalMax", unset.TotalMax),
        };
    }

    private static IReadOnlyList<string> Words(string text) =>
        text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
