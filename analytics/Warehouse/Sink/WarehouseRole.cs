using ClickHouse.Driver;
using EventStream.Hosting;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// The role <c>warehouse</c>: stores every event topic in ClickHouse, each record once in effect. One instance may
/// run; a second one makes the first stop.
/// </summary>
public sealed class WarehouseRole : IRole
{
    public const string RoleName = "warehouse";

    public string Name => RoleName;

    public string Summary => "stores every event topic in ClickHouse, each record once in effect";

    public void Configure(WebApplicationBuilder builder)
    {
        builder.Services.AddRoleOptions(builder.Configuration, SinkOptions.Read);
        builder.Services.AddRoleOptions(builder.Configuration, ClickHouseOptions.Read);
        builder.Services.AddSingleton<ServerUsers>();
        builder.Services.AddSingleton<IClickHouseClient>(services =>
            services.GetRequiredService<ClickHouseOptions>().Client()
        );
        builder.Services.AddSingleton<SinkState>();
        builder.Services.AddHostedService<Sink>();
        builder.Services.AddNeededTopics(_ => RecordRouter.StoredTopics.Select(topic => new NeededTopic(topic.Name)));
        builder.Services.AddReadiness(
            "sink",
            (services, _) => Task.FromResult(services.GetRequiredService<SinkState>().Missing)
        );
        builder.Services.AddReadiness(
            "clickhouse",
            async (services, cancellation) =>
            {
                await services.GetRequiredService<IClickHouseClient>().ReachAsync(cancellation);
                return null;
            }
        );
    }

    public void Map(WebApplication app) => WarehouseApi.Map(app);
}
