using System.Net;
using Microsoft.AspNetCore.Http;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// The names under which the endpoint may be called: loopback, its own addresses and <c>ClickHouse:AllowedHosts</c>.
/// A web page whose name was made to point at this machine is refused by the name that it sends.
/// </summary>
internal sealed class HostNames
{
    private readonly HashSet<string> names = new(StringComparer.OrdinalIgnoreCase) { "localhost" };

    /// <summary>Addresses are URLs by which clients know this endpoint; what is no URL is left out.</summary>
    public HostNames(IEnumerable<string> addresses, EmbeddedOptions options)
    {
        var urls = addresses.Select(text => Uri.TryCreate(text, UriKind.Absolute, out var url) ? url : null);
        names.UnionWith(urls.OfType<Uri>().Select(url => url.Host.Trim('[', ']')));
        names.UnionWith(options.AllowedHosts);
    }

    /// <summary>Throws <see cref="ClickHouseException"/> 497 when the request names another host.</summary>
    public void Check(HttpRequest request)
    {
        // Behind a proxy the name comes from a header that a page can send too, so the name of before counts too.
        foreach (var host in (string?[])[request.Host.Host, Original(request)])
        {
            if (host is null || IsAllowed(host.Trim('[', ']')))
                continue;
            throw new ClickHouseException(
                ClickHouseError.AccessDenied,
                $"The host '{host}' is no name of this server; add it to ClickHouse:AllowedHosts if it should be."
            );
        }
    }

    private bool IsAllowed(string host) =>
        names.Contains(host) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static string? Original(HttpRequest request) =>
        request.Headers.TryGetValue("X-Original-Host", out var value)
            ? HostString.FromUriComponent(value.ToString()).Host
            : null;
}
