using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Hosting;

/// <summary>
/// The address under which clients reach a role, for absolute URLs in its answers. In this order: scheme and host that
/// a trusted proxy forwarded; <c>Urls:Public:ROLE</c>; <c>Urls:ROLE</c> where it is not loopback, as loopback only says
/// how roles of one machine reach each other; scheme and host of the request itself.
/// </summary>
public static class PublicAddress
{
    /// <summary>Set by the middleware of forwarded headers where it took a host; never by a client.</summary>
    internal const string OriginalHost = "X-Original-Host";

    /// <summary>The same for the scheme.</summary>
    internal const string OriginalProto = "X-Original-Proto";

    /// <summary>The address, such as <c>https://upload.video.example</c>, without a trailing slash.</summary>
    public static string PublicUrl(this HttpContext context)
    {
        var request = context.Request;
        var own = $"{request.Scheme}://{request.Host}{request.PathBase}";
        if (IsForwarded(request))
            return own;
        var services = context.RequestServices;
        return Configured(services.GetRequiredService<IConfiguration>(), services.GetRequiredService<IRole>().Name)
            ?? own;
    }

    private static bool IsForwarded(HttpRequest request) =>
        (request.Headers.ContainsKey(OriginalHost) || request.Headers.ContainsKey(OriginalProto))
        && request.Scheme is "http" or "https";

    private static string? Configured(IConfiguration configuration, string role)
    {
        if (configuration[$"Urls:Public:{role}"] is not null)
            return RoleAddresses.PublicUrl(configuration, role);
        return
            configuration[$"Urls:{role}"] is { } url
            && Uri.TryCreate(url, UriKind.Absolute, out var address)
            && !address.IsLoopback
            ? url.TrimEnd('/')
            : null;
    }
}
