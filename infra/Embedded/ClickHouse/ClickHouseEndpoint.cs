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

    /// <summary>Ends an aborted connection by FIN; the RST of Kestrel's default may overtake what was sent.</summary>
    private const string FinOnError = "Microsoft.AspNetCore.Server.Kestrel.FinOnError";

    /// <summary>Connections at once; each may hold a request line.</summary>
    private const int ConnectionsMax = 256;

    /// <summary>
    /// Registers the endpoint and sets the web server's limits. <paramref name="addresses"/> are the URLs by which
    /// clients may call it, besides loopback and <see cref="EmbeddedOptions.AllowedHosts"/>.
    /// </summary>
    public static void Add(WebApplicationBuilder builder, EmbeddedEngine engine, IEnumerable<string> addresses)
    {
        AppContext.SetSwitch(FinOnError, true);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = engine.Options.BodyBytesMax;
            kestrel.Limits.MaxRequestLineSize = RequestLineBytesMax;
            kestrel.Limits.MaxRequestBufferSize = 2 * RequestLineBytesMax;
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
        });
        // A flush returns when the socket has the bytes: the error that breaks an answer off is sent before its end.
        builder.WebHost.UseSockets(sockets => sockets.MaxWriteBufferSize = 1);
        builder.Services.AddSingleton(engine);
        builder.Services.AddSingleton(new HostNames(addresses, engine.Options));
        builder.Services.AddSingleton<ClickHouseApi>();
    }

    /// <summary>Maps the routes; statements authenticate by ClickHouse's own users.</summary>
    public static void Map(WebApplication app) => app.Services.GetRequiredService<ClickHouseApi>().Map(app);
}
