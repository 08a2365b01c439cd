using EventStream.Hosting;
using EventStream.Media.S3;
using EventStream.Messaging;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Media;

/// <summary>Registers the media store that the settings choose.</summary>
public static class MediaRegistration
{
    /// <summary>
    /// Registers <see cref="IMediaStore"/> by <see cref="MediaOptions"/>, and what cleans it. The role is ready only
    /// while it answers.
    /// </summary>
    public static IServiceCollection AddMediaStore(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddRoleOptions(configuration, MediaOptions.Read);
        services.AddSingleton<IMediaStore>(provider =>
            provider.GetRequiredService<MediaOptions>() switch
            {
                { S3: { } bucket } => new S3MediaStore(bucket),
                var folder => new FolderMediaStore(folder.Root!),
            }
        );
        services.AddHostedService<MediaSweeper>();
        return services.AddReadiness(
            "media",
            (provider, cancellation) => provider.GetRequiredService<IMediaStore>().TroubleAsync(cancellation)
        );
    }
}
