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
    /// Registers <see cref="IMediaStore"/>: the folder of <c>Media:Root</c>, or the bucket of <c>Media:S3</c>. The role
    /// is ready only while the store answers. Throws <see cref="RoleConfigurationException"/> with what
    /// <see cref="Check"/> finds.
    /// </summary>
    public static IServiceCollection AddMediaStore(
        this IServiceCollection services, IConfiguration configuration, string role)
    {
        var errors = new List<string>();
        if (Choose(configuration, errors) is not { } store)
            throw new RoleConfigurationException(role, string.Join("; ", errors) + ".");
        services.AddSingleton(_ => store());
        return services.AddReadiness("media", (provider, cancellation) =>
            provider.GetRequiredService<IMediaStore>().TroubleAsync(cancellation));
    }

    /// <summary>Adds what is wrong with the settings: no store is named, two are, or one has a wrong setting.</summary>
    public static void Check(IConfiguration configuration, ICollection<string> errors) =>
        _ = Choose(configuration, errors);

    private static Func<IMediaStore>? Choose(IConfiguration configuration, ICollection<string> errors)
    {
        var (root, s3) = (configuration["Media:Root"], S3Options.IsChosen(configuration));
        if (s3 && string.IsNullOrWhiteSpace(root))
            return S3Options.From(configuration, errors) is { } options ? () => new S3MediaStore(options) : null;
        if (!s3 && !string.IsNullOrWhiteSpace(root)) return () => new FolderMediaStore(root);
        errors.Add(s3
            ? "Media:Root and Media:S3 are both set; take one of them out"
            : "Media:Root is missing; set EVENTSTREAM__MEDIA__ROOT to the folder that holds sources and renditions, or "
                + "EVENTSTREAM__MEDIA__S3__BUCKET and its like to keep them in S3");
        return null;
    }
}
