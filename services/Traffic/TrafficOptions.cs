using System.Net;
using EventStream.Hosting;
using EventStream.Traffic.Dns;
using EventStream.Traffic.Steering;
using Microsoft.Extensions.Configuration;

namespace EventStream.Traffic;

/// <summary>Settings of the traffic role, read from the section <c>Traffic</c>.</summary>
public sealed record TrafficOptions
{
    /// <summary>
    /// <c>Edges:0:{Name,Region,Url,Addresses}</c>: the map of edges, in the order used while all are equal. Players
    /// reach an edge at <c>Urls:Public:NAME</c> where that is set.
    /// </summary>
    public required IReadOnlyList<PlatformEdge> Edges { get; init; }

    /// <summary>
    /// <c>Policy</c>: how edges are ordered; <c>region-affinity</c>, <c>health-first</c>, <c>least-loaded</c>.
    /// </summary>
    public EdgePolicy Policy { get; init; } = EdgePolicy.RegionAffinity;

    /// <summary><c>ProbeIntervalMs</c>: time between two probes of an edge.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// <c>ProbeTimeoutMs</c>: a probe that takes longer has failed. An edge that is gone refuses at once; the second is
    /// for one whose machine is merely busy.
    /// </summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromMilliseconds(1000);

    /// <summary><c>Rise</c>: successful probes in a row after which an edge that was down is up.</summary>
    public int Rise { get; init; } = 2;

    /// <summary><c>Fall</c>: failed probes in a row after which an edge that was up is down.</summary>
    public int Fall { get; init; } = 2;

    /// <summary><c>QualityHalfLifeSeconds</c>: age at which a window of quality counts half.</summary>
    public TimeSpan QualityHalfLife { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// <c>ScoreMargin</c>: by how much an edge must be better (scores are around 0..1) to overtake another.
    /// </summary>
    public double ScoreMargin { get; init; } = 0.1;

    /// <summary><c>HoldSeconds</c>: shortest time between two changes of order among edges that are up.</summary>
    public TimeSpan Hold { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary><c>SteeringTtlSeconds</c>: how often players ask again, whole seconds.</summary>
    public int SteeringTtlSeconds { get; init; } = 10;

    /// <summary><c>DnsEnabled</c>: whether the DNS server runs.</summary>
    public bool DnsEnabled { get; init; } = true;

    /// <summary><c>DnsListen</c> and <c>DnsPort</c> (UDP; 0 takes any free one).</summary>
    public IPEndPoint DnsEndpoint { get; init; } = new(IPAddress.Loopback, 7053);

    /// <summary><c>DnsName</c>: the name that the server is authoritative for.</summary>
    public string DnsName { get; init; } = "edge.eventstream.test";

    /// <summary><c>DnsTtlSeconds</c>: how long resolvers may keep an answer.</summary>
    public int DnsTtlSeconds { get; init; } = 5;

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static TrafficOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var read = new SettingsReader(configuration, "Traffic", errors);
        var edges = PlatformEdge.Read(configuration, errors);
        var policy = EdgePolicy.Find(read.Text("Policy", EdgePolicy.RegionAffinity.Name));
        if (policy is null)
            errors.Add($"Traffic:Policy: choose one of {EdgePolicy.Names}.");
        var listen = read.Text("DnsListen", "127.0.0.1");
        if (!IPAddress.TryParse(listen, out var address))
            errors.Add($"Traffic:DnsListen: '{listen}' is not an IP address.");
        var name = read.Text("DnsName", "edge.eventstream.test").TrimEnd('.').ToLowerInvariant();
        if (name.Length > DnsZone.OwnNameLengthMax || Uri.CheckHostName(name) != UriHostNameType.Dns)
            errors.Add($"Traffic:DnsName: '{name}' is not a host name.");
        return new TrafficOptions
        {
            Edges = edges,
            Policy = policy ?? EdgePolicy.RegionAffinity,
            ProbeInterval = TimeSpan.FromMilliseconds(read.Whole("ProbeIntervalMs", 500, 50, 60_000)),
            ProbeTimeout = TimeSpan.FromMilliseconds(read.Whole("ProbeTimeoutMs", 1000, 10, 30_000)),
            Rise = read.Whole("Rise", 2, 1, 100),
            Fall = read.Whole("Fall", 2, 1, 100),
            QualityHalfLife = TimeSpan.FromSeconds(read.Whole("QualityHalfLifeSeconds", 30, 1, 3600)),
            ScoreMargin = read.Real("ScoreMargin", 0.1, 0, 1),
            Hold = TimeSpan.FromSeconds(read.Real("HoldSeconds", 10, 0, 3600)),
            SteeringTtlSeconds = read.Whole("SteeringTtlSeconds", 10, 1, 3600),
            DnsEnabled = read.Flag("DnsEnabled", true),
            DnsEndpoint = new IPEndPoint(address ?? IPAddress.Loopback, read.Whole("DnsPort", 7053, 0, 65_535)),
            DnsName = name,
            DnsTtlSeconds = read.Whole("DnsTtlSeconds", 5, 0, 3600),
        };
    }
}
