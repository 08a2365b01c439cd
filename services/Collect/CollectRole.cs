using EventStream.Collect.Body;
using EventStream.Collect.CdnLogs;
using EventStream.Collect.Cmcd;
using EventStream.Collect.Limits;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Collect;

/// <summary>Turns players' CMCD reports and edges' access logs into events on Kafka.</summary>
public sealed class CollectRole : IRole
{
    public string Name => "collect";

    public string Summary => "takes players' CMCD reports and edges' access logs";

    public void Configure(WebApplicationBuilder builder)
    {
        var options = builder.Services.AddRoleOptions(builder.Configuration, CollectOptions.Read);
        builder.Services.AddSingleton(provider => new EdgeNames(provider.GetRequiredService<CollectOptions>().Edges));
        builder.Services.AddSingleton<BeaconReader>();
        builder.Services.AddSingleton<AccessLogReader>();
        builder.Services.AddSingleton<Intake>();
        builder.Services.AddSingleton(provider => new BeaconProof(
            provider.GetRequiredService<CollectOptions>().SigningKey
        ));
        builder.Services.AddSingleton<IntakeLimits>();
        builder.Services.AddRateLimiter(_ => { });
        builder
            .Services.AddOptions<RateLimiterOptions>()
            .Configure<IntakeLimits>((limiter, limits) => limits.Configure(limiter));
        builder.Services.AddRequestDecompression(decompression =>
            decompression.DecompressionProviders.Add("zstd", new ZstdDecompression())
        );
        builder.Services.AddCors();
        builder.Services.AddTopics(Topics.PlaybackBeacons, Topics.CdnRequests, Topics.DeadLetters);
        if (options.AccessLogs.Count > 0)
            builder.Services.AddHostedService<AccessLogFollower>();
    }

    public void Use(WebApplication app)
    {
        // Players run on any site that embeds them; a report carries no credentials.
        app.UseCors(policy =>
            policy
                .AllowAnyOrigin()
                .WithMethods("POST")
                .WithHeaders("content-type", "content-encoding", "authorization")
                .WithExposedHeaders("Retry-After")
                .SetPreflightMaxAge(TimeSpan.FromHours(1))
        );
    }

    public void Map(WebApplication app)
    {
        // Behind authentication, which names the edge whose limit holds.
        app.UseRateLimiter();
        app.UseRequestDecompression();
        CollectApi.Map(app, app.Services.GetRequiredService<CollectOptions>());
    }
}
