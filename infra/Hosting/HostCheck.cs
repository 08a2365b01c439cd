using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace EventStream.Hosting;

/// <summary>
/// A role that listens on loopback only is asked by names of this machine, or by its configured address
/// (<c>Urls:Public:ROLE</c>, <c>Urls:ROLE</c>). A page whose own name an attacker lets point to 127.0.0.1 asks by
/// another name and is refused.
/// </summary>
public static class HostCheck
{
    /// <summary>Refuses requests by other names, before anything else looks at them.</summary>
    public static void UseHostCheck(this WebApplication app, string role)
    {
        var bound = BindingAddress.Parse(RoleAddresses.Listen(app.Configuration, role)).Host;
        if (!IsLoopback(bound))
            return;
        string[] configured =
        [
            new Uri(RoleAddresses.PublicUrl(app.Configuration, role)).Host,
            new Uri(RoleAddresses.Url(app.Configuration, role)).Host,
        ];
        app.Use(
            (http, next) =>
                Allowed(http.Request, configured)
                    ? next(http)
                    : Results
                        .Problem(
                            statusCode: StatusCodes.Status400BadRequest,
                            title: "The host is not known",
                            detail: "This role listens on loopback and is asked as localhost or "
                                + $"{configured[0]}. Behind a proxy, EVENTSTREAM__URLS__PUBLIC__"
                                + $"{role.ToUpperInvariant()} names the address that users see."
                        )
                        .ExecuteAsync(http)
        );
    }

    private static bool Allowed(HttpRequest request, string[] configured)
    {
        bool Known(string host) => IsLoopback(host) || configured.Contains(host, StringComparer.OrdinalIgnoreCase);
        // Any client on loopback may claim to be a proxy, so the host that it was asked by counts too.
        var before = request.Headers[PublicAddress.OriginalHost].ToString();
        return Known(request.Host.Host) && (before.Length == 0 || Known(HostString.FromUriComponent(before).Host));
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
