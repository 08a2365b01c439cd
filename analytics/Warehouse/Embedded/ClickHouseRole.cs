using EventStream.Hosting;
using EventStream.Messaging;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Warehouse.Embedded;

/// <summary>
/// The role <c>clickhouse</c>: the embedded engine behind ClickHouse's HTTP interface, for a machine without a
/// ClickHouse server. It runs in a process of its own, so that a crash or a memory peak of the engine takes nothing
/// else down.
/// </summary>
public sealed class ClickHouseRole : IRole
{
    public const string RoleName = "clickhouse";

    /// <summary>
    /// Longest request line, which carries statement and parameters, in bytes: a parameter of 1 MiB, escaped.
    /// </summary>
    private const int RequestLineBytesMax = 4 << 20;

    /// <summary>Connections at once; each may hold a request line.</summary>
    private const int ConnectionsMax = 256;

    public string Name => RoleName;

    public string Summary => "the ClickHouse engine behind its HTTP interface, for a machine without ClickHouse";

    public int DefaultPort => RoleAddresses.PortOf(RoleName);

    /// <summary>
    /// Connects to the engine. A process that runs this role calls it first of all, before hosts and threads, because
    /// a fault in managed code during the connect would be fatal. Throws <see cref="RoleConfigurationException"/> and
    /// <see cref="MissingToolException"/>.
    /// </summary>
    public static void ConnectFirst(IConfiguration configuration) => EmbeddedEngine.Start(configuration);

    public void Configure(WebApplicationBuilder builder)
    {
        var engine = EmbeddedEngine.Start(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = engine.Options.BodyBytesMax;
            kestrel.Limits.MaxRequestLineSize = RequestLineBytesMax;
            kestrel.Limits.MaxRequestBufferSize = 2 * RequestLineBytesMax;
            kestrel.Limits.MaxConcurrentConnections = ConnectionsMax;
        });
        builder.Services.AddSingleton(engine);
        builder.Services.AddSingleton(new HostNames(builder.Configuration, engine.Options));
        builder.Services.AddSingleton<ClickHouseApi>();
        builder.Services.AddReadiness("engine", (_, _) =>
        {
            engine.Control("SELECT 1");
            return Task.FromResult<string?>(null);
        });
    }

    public void Map(WebApplication app) => app.Services.GetRequiredService<ClickHouseApi>().Map(app);
}
