using System.Net;
using System.Net.Sockets;

namespace EventStream.Upload.Webhooks;

/// <summary>
/// Which addresses the platform calls on behalf of a publisher: public ones, and those that the operator allows. A
/// publisher could otherwise reach, through the platform, what only the platform reaches. The address that was checked
/// is the one that is connected to, so that a name cannot change its meaning in between.
/// </summary>
public sealed class OutboundGate(WebhookOptions options)
{
    /// <summary>
    /// What the registries of special addresses (RFC 6890 and later) keep from the public internet.
    /// </summary>
    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            // Of IPv6: protocols (Teredo among them), documentation, and IPv4 addresses in disguise.
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
        }.Select(network => IPNetwork.Parse(network)),
    ];

    /// <summary>All of IPv6 that is given to the public internet.</summary>
    private static readonly IPNetwork PublicV6 = IPNetwork.Parse("2000::/3");

    /// <summary>Whether everybody can reach an address, so that calling it opens nothing.</summary>
    public static bool IsPublic(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return (plain.AddressFamily == AddressFamily.InterNetwork || PublicV6.Contains(plain))
            && !Special.Any(network => network.Contains(plain));
    }

    /// <summary>Whether the operator allows an address although it is not public.</summary>
    public bool IsAllowed(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return options.Networks.Any(network => network.Contains(plain));
    }

    /// <summary>
    /// The addresses of a host, all of which may be called. Throws <see cref="RefusedAddressException"/> where one may
    /// not, or where there is none.
    /// </summary>
    public async Task<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken cancellation)
    {
        IPAddress[] addresses;
        try
        {
            addresses = await Dns.GetHostAddressesAsync(host, cancellation);
        }
        catch (SocketException e)
        {
            throw new RefusedAddressException($"'{host}' has no address: {e.Message}.");
        }

        if (addresses.FirstOrDefault(address => !IsPublic(address) && !IsAllowed(address)) is { } closed)
            throw new RefusedAddressException(
                $"'{host}' is {closed}, which is not a public address; name one that everybody reaches."
            );
        return addresses.Length > 0 ? addresses : throw new RefusedAddressException($"'{host}' has no address.");
    }

    /// <summary>Connects to an address that was checked. Throws <see cref="RefusedAddressException"/>.</summary>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var addresses = await ResolveAsync(context.DnsEndPoint.Host, cancellation);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync([.. addresses], context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>The platform does not call this host; the message says why.</summary>
public sealed class RefusedAddressException(string reason) : Exception(reason);
