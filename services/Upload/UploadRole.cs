using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Hosting;
using EventStream.Media;
using EventStream.Messaging.Kafka;
using EventStream.Upload.Captions;
using EventStream.Upload.Library;
using EventStream.Upload.Tus;
using EventStream.Upload.Uploads;
using Microsoft.AspNetCore.Builder;
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
        services.AddSingleton<UploadTable>().AddSingleton<UploadLeases>().AddSingleton<UploadService>();
        services.AddSingleton<UploadQuota>().AddSingleton<UploadJoiner>().AddSingleton<UploadFacts>();
        services.AddSingleton<UploadSweeper>().AddHostedService(p => p.GetRequiredService<UploadSweeper>());
        services.AddSingleton<EncodeTaskTable>().AddSingleton<VideoList>().AddSingleton<VideoDetailsReader>();
        services
            .AddSingleton<TusApi>()
            .AddSingleton<VideosApi>()
            .AddSingleton<CaptionsApi>()
            .AddSingleton<EncodeReactor>();
        services.AddTopics(Topics.VideoEvents, Topics.EncodeEvents, Topics.DeadLetters);
        services.AddServiceStore(configuration, UploadStore.Service);
        services.AddEventConsumer(
            new ConsumerOptions(EncodeReactor.Group, [Topics.EncodeEvents]),
            (p, message, cancellation) => p.GetRequiredService<EncodeReactor>().HandleAsync(message, cancellation)
        );
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
        app.Services.GetRequiredService<CaptionsApi>().Map(app);
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
        "X-Video-Id",
        "WWW-Authenticate",
        "Retry-After",
    ];
}
