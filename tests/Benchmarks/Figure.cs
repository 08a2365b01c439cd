using System.Text.Json;

namespace EventStream.Benchmarks;

/// <summary>
/// One measured figure beside what it is held against, both from the same run on the same machine. <c>Ratio</c> is
/// ours over the peer where there is one, else ours over the limit; <c>Aim</c> says what is wanted of it.
/// </summary>
public sealed record Figure(
    string Name, string Unit, double Ours, double? Limit, double? Peer, string? PeerName, double Ratio, string Aim)
{
    /// <summary>A figure against a limit: the least that any implementation must pay.</summary>
    public static Figure AgainstLimit(string name, string unit, double ours, double limit, string aim) =>
        new(name, unit, ours, limit, null, null, ours / limit, aim);

    /// <summary>A figure against another implementation.</summary>
    public static Figure AgainstPeer(string name, string unit, double ours, double peer, string peerName, string aim) =>
        new(name, unit, ours, null, peer, peerName, ours / peer, aim);

    /// <summary>The line of <c>bench.jsonl</c>.</summary>
    public string Json() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);
}
