using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Configuration;

namespace EventStream.Hosting;

/// <summary>
/// The proxies whose <c>X-Forwarded-For</c>, <c>-Proto</c> and <c>-Host</c> count: loopback, and the networks of
/// <c>Proxies:Trusted</c> (<c>10.0.0.0/8,192.168.7.1</c>). Anybody else's are ignored.
/// </summary>
public static class Proxies
{
    /// <summary>
    /// Hops of one request that are looked at: an edge or ingress, and a load balancer before it.
    /// </summary>
    private const int HopsMax = 3;

    /// <summary>Lets requests carry the address, scheme and host that their trusted proxy saw.</summary>
    public static void UseTrustedProxies(this WebApplication app, string role)
    {
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders =
                ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            ForwardLimit = HopsMax,
        };
        foreach (var network in Read(app.Configuration, role))
            options.KnownIPNetworks.Add(network);
        // These show that a proxy forwarded something; a client must not say so itself.
        app.Use(
            (context, next) =>
            {
                context.Request.Headers.Remove(PublicAddress.OriginalHost);
                context.Request.Headers.Remove(PublicAddress.OriginalProto);
                return next(context);
            }
        );
        app.UseForwardedHeaders(options);
    }

    private static IEnumerable<System.Net.IPNetwork> Read(IConfiguration configuration, string role)
    {
        var text = configuration["Proxies:Trusted"] ?? "";
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (System.Net.IPNetwork.TryParse(word, out var network))
                yield return network;
            else if (IPAddress.TryParse(word, out var address))
                yield return new System.Net.IPNetwork(address, address.GetAddressBytes().Length * 8);
            else
                throw new RoleConfigurationException(
                    role,
                    $"Proxies:Trusted '{word}' is neither an address nor a network such as 10.0.0.0/8."
                );
        }
    }
}
