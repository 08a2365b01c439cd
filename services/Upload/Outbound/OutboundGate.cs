using System.Net;
using System.Net.Sockets;

namespace EventStream.Upload.Outbound;

/// <summary>
/// Which addresses the platform calls on behalf of a publisher: public ones, and those in the networks that the
/// operator allows. A publisher could otherwise reach, through the platform, what only the platform reaches. The
/// address that was checked is the one that is connected to, on each connection and so behind each redirect, so that a
/// name cannot change its meaning in between.
/// </summary>
public sealed class OutboundGate(IReadOnlyList<IPNetwork> networks, HostList hosts)
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

    private const int UrlLengthMax = 2048;

    /// <summary>How long a name may take to be resolved while a client waits for an answer.</summary>
    private static readonly TimeSpan ResolveMax = TimeSpan.FromSeconds(5);

    /// <summary>Whether everybody can reach an address, so that calling it opens nothing.</summary>
    public static bool IsPublic(IPAddress address)
    {
        var plain = Plain(address);
        return (plain.AddressFamily == AddressFamily.InterNetwork || PublicV6.Contains(plain))
            && !Special.Any(network => network.Contains(plain));
    }

    /// <summary>Whether the operator allows an address although it is not public.</summary>
    public bool IsAllowed(IPAddress address) => networks.Any(network => network.Contains(Plain(address)));

    /// <summary>
    /// The address in a text, which may be called as things are now. Throws <see cref="RefusedAddressException"/>.
    /// </summary>
    public async Task<Uri> CheckAsync(string? text, CancellationToken cancellation)
    {
        if (
            text is null
            || text.Length > UrlLengthMax
            || !Uri.TryCreate(text, UriKind.Absolute, out var url)
            || (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp)
            || url.UserInfo.Length > 0
            || url.Fragment.Length > 0
        )
            throw new RefusedAddressException(
                $"send an address such as https://example.com/path, without user or fragment; not '{text}'."
            );
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bound.CancelAfter(ResolveMax);
        try
        {
            await ResolveAsync(url, bound.Token);
            return url;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RefusedAddressException(
                $"'{url.DnsSafeHost}' has no address within {ResolveMax.TotalSeconds:0} s; try again."
            );
        }
    }

    /// <summary>
    /// The addresses of a host, all of which may be called, without TLS only where the operator allows the network.
    /// Throws <see cref="RefusedAddressException"/> where one may not, or where there is none.
    /// </summary>
    private async Task<IReadOnlyList<IPAddress>> ResolveAsync(Uri url, CancellationToken cancellation)
    {
        var host = url.DnsSafeHost;
        if (!hosts.Contains(host))
            throw new RefusedAddressException($"'{host}' is none of the hosts that the operator allows: {hosts}.");
        IPAddress[] addresses;
        try
        {
            addresses = await Dns.GetHostAddressesAsync(host, cancellation);
        }
        catch (SocketException e)
        {
            throw new RefusedAddressException($"'{host}' has no address: {e.Message}.", isFinal: false);
        }

        if (addresses.FirstOrDefault(address => !IsPublic(address) && !IsAllowed(address)) is { } closed)
            throw new RefusedAddressException(
                $"'{host}' is {closed}, which is not a public address; name one that everybody reaches."
            );
        if (addresses.Length == 0)
            throw new RefusedAddressException($"'{host}' has no address.", isFinal: false);
        return url.Scheme == Uri.UriSchemeHttps || addresses.All(IsAllowed)
            ? addresses
            : throw new RefusedAddressException(
                "Without TLS anybody on the way reads and changes what is sent; name an https address."
            );
    }

    /// <summary>
    /// A client that goes through the gate. It follows at most <paramref name="redirectsMax"/> redirects, none of them
    /// from https to http, takes no proxy and keeps no cookies, and does not carry the platform's trace outside.
    /// </summary>
    public HttpClient Client(TimeSpan connectTimeout, int redirectsMax = 0) =>
        new(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = redirectsMax > 0,
                MaxAutomaticRedirections = Math.Max(1, redirectsMax),
                UseProxy = false,
                UseCookies = false,
                ActivityHeadersPropagator = null,
                ConnectCallback = ConnectAsync,
                ConnectTimeout = connectTimeout,
                PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            }
        )
        {
            // Each request has bounds of its own.
            Timeout = Timeout.InfiniteTimeSpan,
        };

    /// <summary>Connects to an address that was checked. Throws <see cref="RefusedAddressException"/>.</summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var addresses = await ResolveAsync(context.InitialRequestMessage.RequestUri!, cancellation);
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

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}

/// <summary>
/// The platform does not call this host; the message says why, and <see cref="IsFinal"/> that it is no trouble that
/// may pass.
/// </summary>
public sealed class RefusedAddressException(string reason, bool isFinal = true) : Exception(reason)
{
    public bool IsFinal { get; } = isFinal;
}
