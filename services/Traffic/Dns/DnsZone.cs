using System.Net;
using System.Net.Sockets;
using EventStream.Traffic.Edges;
using EventStream.Traffic.Steering;

namespace EventStream.Traffic.Dns;

/// <summary>
/// What the zone answers: its apex has the addresses of the edges that are up in the order for an unknown region,
/// <c>{region}</c> below it those for that region, <c>{edge}</c> those of one edge. Down edges are left out unless
/// all are down.
/// </summary>
internal sealed class DnsZone(TrafficOptions options, EdgeMap map, SteeringBoard board)
{
    /// <summary>Most addresses in an answer: the longest name and eight IPv6 records stay below 512 bytes.</summary>
    public const int AnswersMax = 8;

    /// <summary>Answers a datagram; null where silence is the answer.</summary>
    public ReadOnlyMemory<byte>? Answer(ReadOnlyMemory<byte> datagram)
    {
        if (DnsQuery.Read(datagram) is not { } query)
            return null;
        if (query.Fault != DnsCode.NoError)
            return Refusal(query, query.Fault);
        if (query.Class is not (DnsTypes.ClassIn or DnsTypes.ClassAny))
            return Refusal(query, DnsCode.Refused);
        if (query.Name == options.DnsName)
            return Addresses(query, board.OrderFor(""), isApex: true);
        var suffix = $".{options.DnsName}";
        if (!query.Name.EndsWith(suffix, StringComparison.Ordinal))
            return Refusal(query, DnsCode.Refused);
        var label = query.Name[..^suffix.Length];
        if (options.Edges.Any(edge => edge.Name == label))
            return Addresses(query, [label], isApex: false);
        if (options.Edges.Any(edge => edge.Region == label))
            return Addresses(query, board.OrderFor(label), isApex: false);
        return Negative(query, DnsCode.NameError);
    }

    private ReadOnlyMemory<byte> Addresses(DnsQuery query, IReadOnlyList<string> order, bool isApex)
    {
        if (isApex && query.Type == DnsTypes.Soa)
        {
            var soa = new DnsResponse(query);
            soa.AddSoa(options.DnsName, options.DnsTtlSeconds, isAnswer: true);
            return soa.ToDatagram();
        }

        var found = InOrder(order).Where(address => Fits(address, query.Type)).Distinct().Take(AnswersMax).ToList();
        if (found.Count == 0)
            return Negative(query, DnsCode.NoError);
        var response = new DnsResponse(query);
        foreach (var address in found)
            response.AddAddress(address, options.DnsTtlSeconds);
        return response.ToDatagram();
    }

    private IEnumerable<IPAddress> InOrder(IReadOnlyList<string> order)
    {
        var states = map.States.ToDictionary(state => state.Edge.Name);
        var ordered = order.Select(name => states[name]).ToList();
        var up = ordered.Where(state => state.IsUp).ToList();
        return (up.Count > 0 ? up : ordered).SelectMany(state => state.Edge.Addresses);
    }

    private static bool Fits(IPAddress address, ushort type) =>
        type switch
        {
            DnsTypes.Any => true,
            DnsTypes.A => address.AddressFamily == AddressFamily.InterNetwork,
            DnsTypes.Aaaa => address.AddressFamily == AddressFamily.InterNetworkV6,
            _ => false,
        };

    private ReadOnlyMemory<byte> Negative(DnsQuery query, DnsCode code)
    {
        var response = new DnsResponse(query) { Code = code };
        response.AddSoa(options.DnsName, options.DnsTtlSeconds, isAnswer: false);
        return response.ToDatagram();
    }

    private static ReadOnlyMemory<byte> Refusal(DnsQuery query, DnsCode code) =>
        new DnsResponse(query) { Code = code, IsAuthoritative = false }.ToDatagram();
}
