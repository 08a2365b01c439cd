using EventStream.Cli.Supervisor;

namespace EventStream.Cli.Uploads;

/// <summary>Where files go and with which key.</summary>
internal sealed record UploadTarget(Uri Url, string Key)
{
    /// <summary>Variables with the names that <c>client.env</c> of a data folder has.</summary>
    public const string UrlVariable = "EVENTSTREAM_UPLOAD_URL";

    public const string KeyVariable = "EVENTSTREAM_PUBLISHER_KEY";

    /// <summary>
    /// What is named, else what the environment says, else the platform that runs in a data folder. Throws
    /// <see cref="CommandException"/> where none of them knows.
    /// </summary>
    public static UploadTarget Find(string? url, string dataFolder)
    {
        var data = new DataFolder(dataFolder);
        var address = url ?? Environment.GetEnvironmentVariable(UrlVariable) ?? RunFile.Read(data)?.Urls["upload"];
        if (address is null)
            throw new CommandException(
                $"No platform runs in '{data.Root}'. Start one with `eventstream up`, or name another with --url or "
                    + $"{UrlVariable}."
            );
        if (
            !Uri.TryCreate(address, UriKind.Absolute, out var parsed)
            || !parsed.Scheme.StartsWith("http", StringComparison.Ordinal)
        )
            throw new CommandException($"'{address}' is no address such as https://upload.example.com.");
        var key = Environment.GetEnvironmentVariable(KeyVariable);
        if (key is null && File.Exists(data.ApiKeyFile))
            key = data.Secret(DataFolder.ApiKey);
        return key is null
            ? throw new CommandException($"There is no key. Put that of a publisher into {KeyVariable}.")
            : new UploadTarget(parsed, key);
    }
}
