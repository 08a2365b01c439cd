using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;
using EventStream.Traffic.Dns;
using EventStream.Traffic.Edges;
using EventStream.Traffic.Steering;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace EventStream.Traffic;

/// <summary>
/// Which edge a viewer uses: one map of edges with health, load and quality. Routes: <c>GET /v1/steering/hls</c>,
/// <c>GET /v1/steering/dash</c>, <c>GET /v1/edges</c>; DNS over UDP.
/// </summary>
public sealed class TrafficRole : IRole
{
    /// <summary>Windows of a partition that a role reads again when it starts; older ones hardly count.</summary>
    private const int WindowsOfThePast = 100;

    public string Name => "traffic";

    public string Summary => "orders edges by health, load and quality; content steering and DNS";

    public void Configure(WebApplicationBuilder builder)
    {
        var services = builder.Services;
        var options = services.AddRoleOptions(builder.Configuration, TrafficOptions.Read);
        services.AddCors();
        // Viewers are steered even while Kafka is away: no hosted service waits for another.
        services.Configure<HostOptions>(host => host.ServicesStartConcurrently = true);
        services.AddSingleton<EdgeMap>();
        services.AddSingleton<SteeringBoard>();
        services.AddSingleton(_ => new HttpClient());
        services.AddTopics(Topics.QoeWindows, Topics.TrafficDecisions);
        services.AddSingleton<SteeringJournal>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<SteeringJournal>());
        services.AddSingleton<EdgeProber>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<EdgeProber>());
        services.AddSingleton<DnsZone>();
        services.AddSingleton<DnsServer>();
        if (options.DnsEnabled)
            services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<DnsServer>());
        services.AddReadiness(
            "edges",
            (provider, _) => Task.FromResult(provider.GetRequiredService<EdgeMap>().Trouble())
        );
        services.AddEventConsumer(
            // Every replica keeps the whole map, so each reads all partitions.
            new ConsumerOptions("traffic-quality", [Topics.QoeWindows])
            {
                FromBeginning = true,
                TailPerPartition = WindowsOfThePast,
                BadRecords = BadRecordPolicy.Continue,
            },
            (provider, record, _) =>
            {
                if (record.Message is QoeWindowClosed window)
                    provider.GetRequiredService<EdgeMap>().Record(window);
                return Task.CompletedTask;
            }
        );
    }

    public void Use(WebApplication app)
    {
        // Players ask from pages of other origins, without credentials.
        app.UseCors(cors => cors.AllowAnyOrigin().AllowAnyHeader().WithMethods("GET"));
    }

    public void Map(WebApplication app)
    {
        app.MapSteering();
    }
}
