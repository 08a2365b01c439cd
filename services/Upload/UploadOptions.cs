using EventStream.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Upload;

/// <summary>Settings of the upload role, section <c>Upload</c>.</summary>
public sealed record UploadOptions
{
    /// <summary>Largest file, in bytes: <c>Upload:MaxSizeBytes</c>.</summary>
    public long MaxSizeBytes { get; init; } = 20L * 1024 * 1024 * 1024;

    /// <summary>
    /// How long an upload may rest before it is given up: <c>Upload:ExpiresAfter</c>. Each chunk starts it again.
    /// </summary>
    public TimeSpan ExpiresAfter { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Unfinished uploads of one publisher at a time, with parts that wait to be joined:
    /// <c>Upload:OpenUploadsMax</c>. It bounds what a lost client leaves.
    /// </summary>
    public int OpenUploadsMax { get; init; } = 100;

    /// <summary>
    /// Bytes of one publisher, announced for its unfinished uploads and stored of its finished files:
    /// <c>Upload:BytesPerPublisherMax</c>. A length that is not given yet counts as <see cref="MaxSizeBytes"/>.
    /// </summary>
    public long BytesPerPublisherMax { get; init; } = 10L * 1024 * 1024 * 1024 * 1024;

    /// <summary>
    /// Uploads that one publisher may create a minute, at once or spread: <c>Upload:CreationsPerMinuteMax</c>.
    /// </summary>
    public int CreationsPerMinuteMax { get; init; } = 600;

    /// <summary>
    /// KiB that one publisher may send a second: <c>Upload:KiBPerSecondMax</c>. Who sends faster is slowed down, not
    /// refused.
    /// </summary>
    public int KiBPerSecondMax { get; init; } = 1024 * 1024;

    /// <summary>
    /// Least value of <see cref="KiBPerSecondMax"/>: the size of the buffers that bodies are read with.
    /// </summary>
    internal const int KiBPerSecondMin = 128;

    /// <summary>
    /// Smallest part of a file that comes in parts, in bytes: <c>Upload:PartialBytesMin</c>. A smaller one costs more
    /// to keep than sending parts side by side saves.
    /// </summary>
    public long PartialBytesMin { get; init; } = 64 * 1024;

    /// <summary>Pages that may upload from a browser: <c>Upload:AllowedOrigins</c>; the console by default.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static UploadOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var (read, unset) = (new SettingsReader(configuration, "Upload", errors), new UploadOptions());
        return new UploadOptions
        {
            MaxSizeBytes = read.Whole("MaxSizeBytes", unset.MaxSizeBytes, 1, long.MaxValue),
            ExpiresAfter = read.Time("ExpiresAfter", unset.ExpiresAfter),
            OpenUploadsMax = read.Whole("OpenUploadsMax", unset.OpenUploadsMax, 1, int.MaxValue),
            BytesPerPublisherMax = read.Whole("BytesPerPublisherMax", unset.BytesPerPublisherMax, 1, long.MaxValue),
            CreationsPerMinuteMax = read.Whole("CreationsPerMinuteMax", unset.CreationsPerMinuteMax, 1, int.MaxValue),
            KiBPerSecondMax = read.Whole("KiBPerSecondMax", unset.KiBPerSecondMax, KiBPerSecondMin, int.MaxValue),
            PartialBytesMin = read.Whole("PartialBytesMin", unset.PartialBytesMin, 1, long.MaxValue),
            AllowedOrigins = Origins(configuration),
        };
    }

    /// <summary>Whether a text is a SHA-256 in hex.</summary>
    public static bool IsSha256(string? text) => text is { Length: 64 } && text.All(char.IsAsciiHexDigit);

    /// <summary>A browser distinguishes 127.0.0.1 from localhost, so the console is allowed under both.</summary>
    private static List<string> Origins(IConfiguration configuration)
    {
        if (configuration.GetSection("Upload:AllowedOrigins").Get<List<string>>() is { Count: > 0 } named)
            return named;
        var console = RoleAddresses.PublicUrl(configuration, "console");
        return [console, console.Replace("127.0.0.1", "localhost", StringComparison.Ordinal)];
    }
}
