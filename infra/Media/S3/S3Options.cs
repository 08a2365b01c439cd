using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace EventStream.Media.S3;

/// <summary>Where media lie in S3, or in a store that speaks its protocol: section <c>Media:S3</c>.</summary>
public sealed record S3Options
{
    private const string Section = "Media:S3";

    /// <summary>
    /// Address of the store, such as <c>https://s3.example:9000</c>, which then gets the bucket in the path. Amazon's
    /// own in <see cref="Region"/> where it is missing.
    /// </summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The bucket. It has to exist; nothing else should write to it.</summary>
    public required string Bucket { get; init; }

    /// <summary>The region that requests are signed for. Stores other than Amazon's mostly take any.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>Name of the key, which is no secret.</summary>
    public required string AccessKey { get; init; }

    /// <summary>
    /// The secret of the key: <c>SecretKey</c>, or the content of <c>SecretKeyFile</c>. It never reaches a log.
    /// </summary>
    public required string SecretKey { get; init; }

    /// <summary>
    /// Folder for local copies of sources, which ffmpeg reads, and for the part of an upload that is being filled.
    /// </summary>
    public string LocalFolder { get; init; } = Path.Combine(Path.GetTempPath(), "eventstream-media");

    /// <summary>
    /// Bytes that local copies may take together. A source that does not fit fails its task, which is tried again.
    /// </summary>
    public long LocalBytesMax { get; init; } = 100L << 30;

    /// <summary>Whether the section names S3 as the store; a secret alone does not.</summary>
    public static bool IsChosen(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        return ((string[])["Bucket", "Endpoint", "AccessKey"]).Any(name => Text(section, name) is not null);
    }

    /// <summary>Reads the section; adds what is wrong to <paramref name="errors"/> and returns null then.</summary>
    public static S3Options? Read(IConfiguration configuration, ICollection<string> errors)
    {
        var section = configuration.GetSection(Section);
        var before = errors.Count;
        var (bucket, accessKey) = (Text(section, "Bucket"), Text(section, "AccessKey"));
        if (bucket is null)
            errors.Add($"{Section}:Bucket is missing; name the bucket for sources and renditions.");
        if (accessKey is null)
            errors.Add($"{Section}:AccessKey is missing; name the key that may use the bucket.");
        var options = new S3Options
        {
            Endpoint = Address(Text(section, "Endpoint"), errors),
            Bucket = bucket ?? "",
            AccessKey = accessKey ?? "",
            SecretKey = Secret(section, errors) ?? "",
            LocalBytesMax = Bytes(Text(section, "LocalBytesMax"), errors),
        };
        if (Text(section, "Region") is { } region)
            options = options with { Region = region };
        if (Text(section, "LocalFolder") is { } folder)
            options = options with { LocalFolder = folder };
        return errors.Count == before ? options : null;
    }

    /// <summary>Without the secret, so that it may be logged.</summary>
    public override string ToString() => $"bucket '{Bucket}' at {Endpoint?.ToString() ?? $"Amazon S3, {Region}"}";

    private static string? Text(IConfigurationSection section, string name) =>
        string.IsNullOrWhiteSpace(section[name]) ? null : section[name]!.Trim();

    private static Uri? Address(string? text, ICollection<string> errors)
    {
        if (text is null)
            return null;
        if (
            Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && uri.Scheme is "http" or "https"
            && uri is { PathAndQuery: "/", UserInfo: "" }
        )
            return uri;
        errors.Add($"{Section}:Endpoint must be an address without a path, such as https://s3.example:9000.");
        return null;
    }

    private static string? Secret(IConfigurationSection section, ICollection<string> errors)
    {
        if (Text(section, "SecretKey") is { } secret)
            return secret;
        if (Text(section, "SecretKeyFile") is not { } file)
        {
            errors.Add($"{Section}:SecretKeyFile is missing; name the file with the secret of the key.");
            return null;
        }

        try
        {
            if (File.ReadAllText(file).Trim() is { Length: > 0 } read)
                return read;
            errors.Add($"{Section}:SecretKeyFile '{file}' is empty.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"{Section}:SecretKeyFile '{file}' cannot be read: {e.Message}");
        }

        return null;
    }

    private static long Bytes(string? text, ICollection<string> errors)
    {
        if (text is null)
            return 100L << 30;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes > 0)
            return bytes;
        errors.Add($"{Section}:LocalBytesMax '{text}' must be a number of bytes above 0.");
        return 0;
    }
}
