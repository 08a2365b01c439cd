using System.Globalization;
using EventStream.Hosting;
using EventStream.Tokens;
using Microsoft.Extensions.Configuration;

namespace EventStream.Edge;

/// <summary>
/// Reads the section <c>Edge</c> of the role <c>edge</c>: <c>Name</c>, <c>Region</c>, <c>Port</c>, <c>BindAddress</c>,
/// <c>Folder</c>, <c>OriginUrl</c> (else the address of the role <c>playback</c>), <c>CacheBytesMax</c>,
/// <c>ConnectionsMax</c>, <c>AllowedOrigin</c>, <c>User</c>. The signing key is that of Playback.
/// </summary>
public static class EdgeSettings
{
    /// <summary>The port where an edge serves viewers by default.</summary>
    public const int DefaultPort = 7080;

    /// <summary>
    /// Reads and checks the section. Throws one <see cref="RoleConfigurationException"/> that names every error.
    /// </summary>
    public static EdgeOptions Read(IConfiguration configuration)
    {
        var errors = new List<string>();
        var section = configuration.GetSection("Edge");
        var options = new EdgeOptions
        {
            Name = section["Name"] ?? "",
            Region = section["Region"] ?? "",
            Port = (int)Number(section, "Port", DefaultPort, errors),
            BindAddress = section["BindAddress"] ?? "127.0.0.1",
            Folder = section["Folder"] ?? "",
            OriginUrl = section["OriginUrl"] ?? RoleAddresses.Url(configuration, "playback"),
            SigningKey = SigningKeys.FromSettings(configuration, errors),
            CacheBytesMax = Number(section, "CacheBytesMax", 2L << 30, errors),
            ConnectionsMax = (int)Number(section, "ConnectionsMax", 2048, errors),
            AllowedOrigin = section["AllowedOrigin"] ?? "*",
            User = section["User"],
        };
        // A missing key is already in the list, with the settings that hold it.
        errors.AddRange(options.Errors().Where(error => !error.StartsWith("SigningKey", StringComparison.Ordinal))
            .Select(error => $"Edge:{error}"));
        if (errors.Count > 0) throw new RoleConfigurationException(EdgeRole.RoleName, string.Join(' ', errors));
        return options;
    }

    private static long Number(IConfiguration section, string key, long missing, List<string> errors)
    {
        if (section[key] is not { } text) return missing;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && (key == "CacheBytesMax" || value <= int.MaxValue)) return value;
        errors.Add($"Edge:{key}: '{text}' is not a whole number that fits.");
        return missing;
    }
}
