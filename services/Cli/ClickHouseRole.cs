using EventStream.Embedded.ClickHouse;
using EventStream.Hosting;
using EventStream.Messaging;
using EventStream.Processes;
using EventStream.Warehouse;

namespace EventStream.Cli;

/// <summary>
/// The role <c>clickhouse</c>: hosts the engine of <c>infra/Embedded/ClickHouse</c>, which knows nothing of roles,
/// for a machine without a ClickHouse server. Every option of <see cref="EmbeddedOptions"/> is a setting
/// <c>ClickHouse:NAME</c>. It runs in a process of its own, so that a crash or a memory peak of the engine takes
/// nothing else down.
/// </summary>
public sealed class ClickHouseRole : IRole
{
    public const string RoleName = "clickhouse";

    public string Name => RoleName;

    public string Summary => "the ClickHouse engine behind its HTTP interface, for a machine without ClickHouse";

    /// <summary>
    /// Connects to the engine. A process that runs this role calls it first of all, before hosts and threads, because
    /// a fault in managed code during the connect would be fatal. Throws <see cref="RoleConfigurationException"/> and
    /// <see cref="MissingToolException"/>.
    /// </summary>
    public static EmbeddedEngine ConnectFirst(IConfiguration configuration)
    {
        var options = Read(configuration);
        if (options.Library.Length == 0)
            options = options with { Library = Tools.Npm(configuration, "@chdb/lib-linux-x64-gnu/libchdb.so") };
        try
        {
            return EmbeddedEngine.Start(options);
        }
        catch (EngineStartException e)
        {
            throw new RoleConfigurationException(RoleName, e.Message);
        }
    }

    public void Configure(WebApplicationBuilder builder)
    {
        var engine = ConnectFirst(builder.Configuration);
        ClickHouseEndpoint.Add(
            builder,
            engine,
            [
                RoleAddresses.Listen(builder.Configuration, RoleName),
                RoleAddresses.Url(builder.Configuration, RoleName),
                builder.Configuration["ClickHouse:Url"] ?? "",
            ]
        );
        builder.Services.AddReadiness(
            "engine",
            (_, _) =>
            {
                engine.Probe();
                return Task.FromResult<string?>(null);
            }
        );
    }

    public void Map(WebApplication app) => ClickHouseEndpoint.Map(app);

    /// <summary>
    /// Reads and checks the section; throws <see cref="RoleConfigurationException"/> naming every fault.
    /// </summary>
    internal static EmbeddedOptions Read(IConfiguration configuration)
    {
        var errors = new List<string>();
        var options = new SettingsReader(configuration, "ClickHouse", errors).Bind<EmbeddedOptions>() with
        {
            Password = ClickHouseSecret.Read(configuration, nameof(EmbeddedOptions.Password), errors),
            ReaderPassword = ClickHouseSecret.Read(configuration, nameof(EmbeddedOptions.ReaderPassword), errors),
        };
        errors.AddRange(options.Validate());
        return errors.Count == 0 ? options : throw new RoleConfigurationException(RoleName, string.Join(' ', errors));
    }
}
