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

    /// <summary>Reads the settings; adds a sentence to <paramref name="errors"/> for each that is wrong.</summary>
    public static EdgeOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var read = new SettingsReader(configuration, "Edge", errors);
        var options = new EdgeOptions
        {
            Name = read.Text("Name", ""),
            Region = read.Text("Region", ""),
            Port = read.Whole("Port", DefaultPort, 0, int.MaxValue),
            BindAddress = read.Text("BindAddress", "127.0.0.1"),
            Folder = read.Text("Folder", ""),
            OriginUrl = read.Text("OriginUrl", RoleAddresses.Url(configuration, "playback")),
            SigningKey = SigningKeys.FromSettings(configuration, errors),
            CacheBytesMax = read.Whole("CacheBytesMax", 2L << 30, 0, long.MaxValue),
            ConnectionsMax = read.Whole("ConnectionsMax", 2048, 0, int.MaxValue),
            AllowedOrigin = read.Text("AllowedOrigin", "*"),
            User = configuration["Edge:User"],
        };
        foreach (var error in options.Errors())
        {
            // A missing key is already in the list, with the settings that hold it.
            if (!error.StartsWith("SigningKey", StringComparison.Ordinal))
                errors.Add($"Edge:{error}");
        }

        return options;
    }
}
