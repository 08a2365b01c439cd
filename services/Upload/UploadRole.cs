using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Hosting;
using EventStream.Media;
using EventStream.Messaging.Kafka;
using EventStream.Upload.Captions;
using EventStream.Upload.Library;
using EventStream.Upload.Pulls;
using EventStream.Upload.Resumable;
using EventStream.Upload.Tus;
using EventStream.Upload.Uploads;
using EventStream.Upload.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Upload;

/// <summary>
/// The upload role: takes files by tus, keeps the truth about videos in the event store, relays it to
/// <c>video.events</c>, and shows the library.
/// </summary>
public sealed class UploadRole : IRole
{
    public string Name => "upload";
    public string Summary => "takes files by tus, keeps the videos' events and shows the library";

    public void Configure(WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        var services = builder.Services;
        var options = services.AddRoleOptions(configuration, UploadOptions.Read);
        services.AddMediaStore(configuration);
        services.AddTopics(Topics.VideoEvents, Topics.EncodeEvents, Topics.DeadLetters);
        // Before all that reads its tables: hosted services start in this order.
        services.AddServiceStore(configuration, UploadStore.Service);
        services.AddSingleton<UploadTable>().AddSingleton<UploadLeases>().AddSingleton<UploadService>();
        services.AddSingleton<UploadCreation>();
        services.AddSingleton<UploadHashes>();
        services.AddSingleton<UploadQuota>().AddSingleton<UploadJoiner>().AddSingleton<UploadFacts>();
        services.AddSingleton<UploadSweeper>().AddHostedService(p => p.GetRequiredService<UploadSweeper>());
        services.AddSingleton<RemovalTable>().AddSingleton<Editions>();
        services.AddSingleton<VideoRemoval>().AddHostedService(p => p.GetRequiredService<VideoRemoval>());
        services.AddSingleton<VideoChangesApi>().AddSingleton<VideoProgressApi>();
        services.AddSingleton<EncodeTaskTable>().AddSingleton<VideoList>().AddSingleton<VideoDetailsReader>();
        services.AddSingleton<BodyIntake>().AddSingleton<ResumableApi>().AddSingleton<CaptionsApi>();
        services.AddSingleton<TusApi>().AddSingleton<VideosApi>().AddSingleton<EncodeReactor>();
        services.AddEventConsumer(
            new ConsumerOptions(EncodeReactor.Group, [Topics.EncodeEvents]),
            (p, message, cancellation) => p.GetRequiredService<EncodeReactor>().HandleAsync(message, cancellation)
        );
        AddWebhooks(services, configuration);
        AddPulls(services, configuration);
        services.AddCors(cors =>
            cors.AddDefaultPolicy(policy =>
                policy
                    .WithOrigins([.. options.AllowedOrigins])
                    .AllowAnyHeader()
                    .WithMethods("GET", "POST", "HEAD", "PATCH", "PUT", "DELETE")
                    .WithExposedHeaders(ExposedHeaders)
                    .SetPreflightMaxAge(TimeSpan.FromHours(1))
            )
        );
    }

    public void Use(WebApplication app)
    {
        // A client behind a proxy that knows only GET and POST says PATCH, HEAD or DELETE in X-HTTP-Method-Override.
        app.UseHttpMethodOverride();
        app.UseCors();
    }

    public void Map(WebApplication app)
    {
        app.Services.GetRequiredService<TusApi>().Map(app);
        app.Services.GetRequiredService<VideosApi>().Map(app);
        app.Services.GetRequiredService<VideoChangesApi>().Map(app);
        app.Services.GetRequiredService<VideoProgressApi>().Map(app);
        app.Services.GetRequiredService<CaptionsApi>().Map(app);
        app.Services.GetRequiredService<WebhooksApi>().Map(app);
        app.Services.GetRequiredService<PullsApi>().Map(app);
    }

    private static void AddWebhooks(IServiceCollection services, IConfiguration configuration)
    {
        services.AddRoleOptions(configuration, WebhookOptions.Read);
        services.AddSingleton<WebhookTable>().AddSingleton<DeliveryTable>();
        services.AddSingleton<WebhooksApi>().AddSingleton<WebhookFeed>();
        services.AddSingleton<WebhookSender>().AddHostedService(p => p.GetRequiredService<WebhookSender>());
        services.AddEventConsumer(
            new ConsumerOptions(WebhookFeed.Group, [Topics.VideoEvents]),
            (p, message, cancellation) => p.GetRequiredService<WebhookFeed>().HandleAsync(message, cancellation)
        );
    }

    private static void AddPulls(IServiceCollection services, IConfiguration configuration)
    {
        services.AddRoleOptions(configuration, PullOptions.Read);
        services.AddSingleton<PullTable>().AddSingleton<PullsApi>();
        services.AddSingleton<Puller>().AddHostedService(p => p.GetRequiredService<Puller>());
    }

    /// <summary>What a page may read of a response.</summary>
    private static readonly string[] ExposedHeaders =
    [
        "Location",
        "Tus-Resumable",
        "Tus-Version",
        "Tus-Extension",
        "Tus-Max-Size",
        "Tus-Checksum-Algorithm",
        "Upload-Offset",
        "Upload-Length",
        "Upload-Metadata",
        "Upload-Expires",
        "Upload-Concat",
        "Upload-Defer-Length",
        "Upload-Complete",
        "Upload-Limit",
        "Upload-Draft-Interop-Version",
        "X-Video-Id",
        "WWW-Authenticate",
        "Retry-After",
        "ETag",
    ];
}
