using System.Net;
using System.Net.Sockets;

namespace EventStream.Hosting;

/// <summary>Addresses of clients, for bounds that hold for each of them.</summary>
public static class ClientAddress
{
    /// <summary>
    /// One of <paramref name="slots"/> numbers, which bounds the memory of a flood from many addresses: those of one
    /// number share a bound. A whole /64 of IPv6 is one address, since one customer has it. The number differs from
    /// process to process, so that nobody can choose whom to share with.
    /// </summary>
    public static int Slot(IPAddress? address, int slots)
    {
        address ??= IPAddress.None;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        var bytes = address.GetAddressBytes().AsSpan();
        var hash = new HashCode();
        hash.AddBytes(address.AddressFamily == AddressFamily.InterNetworkV6 ? bytes[..8] : bytes);
        return (int)((uint)hash.ToHashCode() % slots);
    }
}
