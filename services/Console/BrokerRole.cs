using System.Globalization;
using System.Net;
using EventStream.Broker;
using EventStream.Messaging.Hosting;

namespace EventStream.Console;

/// <summary>
/// The role <c>broker</c>: hosts the broker of <c>infra/Broker</c>, which knows nothing of roles. Settings:
/// <c>Broker:DataFolder</c>, <c>Broker:Port</c> (Kafka protocol, 9092 unless set), <c>Broker:Address</c> to bind
/// (loopback), <c>Broker:AdvertisedHost</c> and <c>Broker:Flush</c> (<c>process</c> unless <c>always</c>). Its health is
/// on the role's own HTTP port.
/// </summary>
public sealed class BrokerRole : IRole
{
    /// <summary>Kafka's customary port.</summary>
    public const int DefaultKafkaPort = 9092;

    public string Name => "broker";

    public string Summary => "a single-node Kafka broker for a machine without one";

    public int DefaultPort => RoleAddresses.PortOf(Name);

    public void Configure(WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(Read(builder.Configuration));
        builder.Services.AddSingleton<HostedBroker>();
        builder.Services.AddHostedService(services => services.GetRequiredService<HostedBroker>());
        builder.Services.AddReadiness("broker", (services, _) =>
            Task.FromResult(services.GetRequiredService<HostedBroker>().IsRunning ? null : "it is starting"));
    }

    public void Map(WebApplication app)
    {
    }

    private BrokerOptions Read(IConfiguration configuration)
    {
        var port = configuration["Broker:Port"] ?? DefaultKafkaPort.ToString(CultureInfo.InvariantCulture);
        var address = configuration["Broker:Address"] ?? "127.0.0.1";
        if (!int.TryParse(port, CultureInfo.InvariantCulture, out var number))
            throw new RoleConfigurationException(Name, $"Broker:Port '{port}' is not a number; give a TCP port.");
        if (!IPAddress.TryParse(address, out var bound))
            throw new RoleConfigurationException(Name, $"Broker:Address '{address}' is not an IP address.");
        var flush = configuration["Broker:Flush"] ?? nameof(FlushMode.Process);
        if (!Enum.TryParse<FlushMode>(flush, ignoreCase: true, out var mode) || int.TryParse(flush, out _))
            throw new RoleConfigurationException(Name, $"Broker:Flush '{flush}' is neither 'process' nor 'always'.");
        var options = new BrokerOptions
        {
            DataFolder = configuration["Broker:DataFolder"] ?? "",
            Port = number,
            Address = bound,
            AdvertisedHost = configuration["Broker:AdvertisedHost"],
            Flush = mode,
        };
        if (options.DataFolder.Length == 0)
            throw new RoleConfigurationException(
                Name, "no data folder; give --data DIR or EVENTSTREAM__BROKER__DATAFOLDER.");
        var errors = options.Validate();
        return errors.Count == 0 ? options : throw new RoleConfigurationException(Name, string.Join(" ", errors));
    }

    private sealed class HostedBroker(BrokerOptions options, ILogger<DevBroker> logger) : IHostedService
    {
        private DevBroker? broker;

        public bool IsRunning => broker is not null;

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
            if (broker is not null) await broker.StopAsync();
        }
    }
}
