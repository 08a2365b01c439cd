using EventStream.Media.S3;
using Microsoft.Extensions.Configuration;

namespace EventStream.Media;

/// <summary>Where media lie: in one of the two.</summary>
public sealed record MediaOptions
{
    /// <summary><c>Media:Root</c>: a folder of this machine, or of a mounted share.</summary>
    public string? Root { get; init; }

    /// <summary><c>Media:S3</c>: a bucket.</summary>
    public S3Options? S3 { get; init; }

    /// <summary>
    /// Reads the settings; adds a sentence to <paramref name="errors"/> where neither is named, both are, or a setting
    /// is wrong.
    /// </summary>
    public static MediaOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var (root, s3) = (configuration["Media:Root"], S3Options.IsChosen(configuration));
        if (string.IsNullOrWhiteSpace(root))
            root = null;
        if (s3 && root is not null)
            errors.Add("Media:Root and Media:S3 are both set; take one of them out.");
        else if (s3)
            return new MediaOptions { S3 = S3Options.Read(configuration, errors) };
        else if (root is null)
        {
            errors.Add(
                "Media:Root is missing; set EVENTSTREAM__MEDIA__ROOT to the folder that holds sources and renditions, "
                    + "or EVENTSTREAM__MEDIA__S3__BUCKET and its like to keep them in S3."
            );
        }

        return new MediaOptions { Root = root };
    }
}
