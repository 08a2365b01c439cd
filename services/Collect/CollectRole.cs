using EventStream.Collect.CdnLogs;
using EventStream.Collect.Cmcd;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Collect;

/// <summary>The ears: players' CMCD reports and edges' access logs become events on Kafka.</summary>
public sealed class CollectRole : IRole
{
    public string Name => "collect";

    public string Summary => "takes players' CMCD reports and edges' access logs";

    public int DefaultPort => RoleAddresses.PortOf(Name);

    public void Configure(WebApplicationBuilder builder)
    {
        var options = CollectOptions.From(builder.Configuration);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(new EdgeNames(builder.Configuration));
        builder.Services.AddSingleton<BeaconReader>();
        builder.Services.AddSingleton<AccessLogReader>();
        builder.Services.AddSingleton<Intake>();
        builder.Services.AddCors();
        builder.Services.AddTopics(Topics.PlaybackBeacons, Topics.CdnRequests, Topics.DeadLetters);
        if (options.AccessLogs.Count > 0) builder.Services.AddHostedService<AccessLogFollower>();
    }

    public void Use(WebApplication app)
    {
        // Players run on any site that embeds them; a report carries no credentials.
        app.UseCors(policy => policy.AllowAnyOrigin().WithMethods("POST").WithHeaders("content-type", "authorization")
            .SetPreflightMaxAge(TimeSpan.FromHours(1)));
    }

    public void Map(WebApplication app)
    {
        CollectApi.Map(app);
    }
}
