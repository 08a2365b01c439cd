using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Media;
using EventStream.Messaging;
using EventStream.Messaging.Kafka;
using EventStream.Playback.Catalogue;
using EventStream.Playback.Edges;
using EventStream.Playback.Origin;
using EventStream.Playback.Sessions;
using EventStream.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Playback;

/// <summary>
/// What to play and who may. Routes: <c>POST /v1/videos/{videoId}/sessions</c> for players; <c>GET
/// /media/{videoId}/...</c> for edges (manifests written for the viewer, and the files of the media store).
/// </summary>
public sealed class PlaybackRole : IRole
{
    internal const string Group = "playback-catalogue";

    public string Name => "playback";

    public string Summary => "opens viewing sessions with signed URLs; origin of the edges: manifests and media";

    public void Configure(WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddRoleOptions(builder.Configuration, PlaybackOptions.Read);
        services.AddCors();
        services.AddSingleton(provider => new EdgeTokens(provider.GetRequiredService<PlaybackOptions>().SigningKey));
        services.AddSingleton(provider => new BeaconProof(provider.GetRequiredService<PlaybackOptions>().SigningKey));
        services.AddMediaStore(builder.Configuration);
        services.AddSingleton<VideoCatalogue>();
        services.AddSingleton(provider => new HttpClient(provider.GetRequiredService<ServiceCredential>().Handler()));
        services.AddSingleton<EdgeDirectory>();
        services.AddSingleton<OriginServices>();
        services.AddSingleton<SessionServices>();
        services.AddSingleton<SessionLimits>();
        services.AddTopics(Topics.VideoEvents);
        services.AddEventConsumer(
            new ConsumerOptions(Group, [Topics.VideoEvents])
            {
                FromBeginning = true,
                BadRecords = BadRecordPolicy.Continue,
            },
            (provider, record, _) =>
            {
                provider.GetRequiredService<VideoCatalogue>().Apply(record.Message);
                return Task.CompletedTask;
            }
        );
        services.AddHealthChecks().AddCheck<EdgeDirectoryCheck>("traffic", tags: [ReadinessExtensions.Tag]);
    }

    public void Use(WebApplication app)
    {
        // Players live on pages of other origins and send no credentials but the tokens in their URLs.
        app.UseCors(cors => cors.AllowAnyOrigin().AllowAnyHeader().AllowAnyMethod());
    }

    public void Map(WebApplication app)
    {
        app.MapSessions();
        app.MapOrigin();
    }
}
