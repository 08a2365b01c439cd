using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Embedded.ClickHouse;

/// <summary>Puts ClickHouse's HTTP interface over the embedded engine into a web application.</summary>
public static class ClickHouseEndpoint
{
    /// <summary>
    /// Longest request line, which carries statement and parameters, in bytes: a parameter of 1 MiB, escaped.
    /// </summary>
    private const int RequestLineBytesMax = 4 << 20;

    /// <summary>Connections at once; each may hold a request line.</summary>
    private const int ConnectionsMax = 256;

    /// <summary>
    /// Registers the endpoint and sets the web server's limits. <paramref name="addresses"/> are the URLs by which
    /// clients may call it, besides loopback and <see cref="EmbeddedOptions.AllowedHosts"/>.
    /// </summary>
    public static void Add(WebApplicationBuilder builder, EmbeddedEngine engine, IEnumerable<string> addresses)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = engine.Options.BodyBytesMax;
            kestrel.Limits.MaxRequestLineSize = RequestLineBytesMax;
            kestrel.Limits.MaxRequestBufferSize = 2 * RequestLineBytesMax;
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
        });
        builder.Services.AddSingleton(engine);
        builder.Services.AddSingleton(new HostNames(addresses, engine.Options));
        builder.Services.AddSingleton<ClickHouseApi>();
    }

    /// <summary>Maps the routes; statements authenticate by ClickHouse's own users.</summary>
    public static void Map(WebApplication app) => app.Services.GetRequiredService<ClickHouseApi>().Map(app);
}
