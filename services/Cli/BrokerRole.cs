using EventStream.Embedded.Broker;
using EventStream.Hosting;
using EventStream.Messaging;

namespace EventStream.Cli;

/// <summary>
/// The role <c>broker</c>: hosts the broker of <c>infra/Embedded/Broker</c>, which knows nothing of roles. Every
/// option of <see cref="BrokerOptions"/> is a setting <c>Broker:NAME</c>, among them <c>Broker:DataFolder</c>,
/// <c>Broker:Port</c> (Kafka protocol, 9092 unless set), <c>Broker:Address</c> to bind (loopback),
/// <c>Broker:AdvertisedHost</c>, <c>Broker:Flush</c> (<c>process</c> unless <c>always</c>) and
/// <c>Broker:Security:*</c>.
/// Its health is on the role's own HTTP port.
/// </summary>
public sealed class BrokerRole : IRole
{
    /// <summary>Kafka's customary port.</summary>
    public const int DefaultKafkaPort = 9092;

    public string Name => "broker";

    public string Summary => "a single-node Kafka broker for a machine without one";

    public void Configure(WebApplicationBuilder builder)
    {
        builder.Services.AddRoleOptions(builder.Configuration, Read);
        builder.Services.AddSingleton<HostedBroker>();
        builder.Services.AddHostedService(services => services.GetRequiredService<HostedBroker>());
        builder.Services.AddReadiness(
            "broker",
            (services, _) =>
                Task.FromResult(services.GetRequiredService<HostedBroker>().IsRunning ? null : "it is starting")
        );
        // It stays ready, as readers are still served.
        builder.Services.AddReadinessWarning(
            "disk",
            services =>
                services.GetRequiredService<HostedBroker>().FailingPartitions is > 0 and var failing
                    ? [$"The disk refuses records of {failing} partitions; free space under {DataFolderOf(services)}."]
                    : []
        );
    }

    public void Map(WebApplication app) { }

    private static BrokerOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var options = new BrokerOptions { DataFolder = "", Port = DefaultKafkaPort };
        new SettingsReader(configuration, "Broker", errors).Fill(options);
        if (options.DataFolder.Length == 0)
            errors.Add("There is no data folder; give --data DIR or EVENTSTREAM__BROKER__DATAFOLDER.");
        else
            options = options with { DataFolder = Path.GetFullPath(options.DataFolder) };
        foreach (var error in options.Validate())
            if (options.DataFolder.Length > 0 || !IsAboutFolder(error))
                errors.Add(error);
        return options;
    }

    private static string DataFolderOf(IServiceProvider services) =>
        services.GetRequiredService<BrokerOptions>().DataFolder;

    private static bool IsAboutFolder(string error) =>
        error.StartsWith(nameof(BrokerOptions.DataFolder), StringComparison.Ordinal);

    private sealed class HostedBroker(BrokerOptions options, ILogger<DevBroker> logger) : IHostedService
    {
        private DevBroker? broker;

        public bool IsRunning => broker is not null;

        public int FailingPartitions => broker?.FailingPartitions ?? 0;

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            try
            {
                broker = await DevBroker.StartAsync(options, logger, cancellationToken);
                System.Console.WriteLine($"broker: Kafka protocol at {broker.Bootstrap}, data in {options.DataFolder}");
            }
            catch (BrokerException e)
            {
                throw new CommandException($"broker: {e.Message}", e);
            }
        }

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            if (broker is not null)
                await broker.StopAsync();
        }
    }
}
