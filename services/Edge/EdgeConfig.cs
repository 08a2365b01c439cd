using System.Net;
using System.Net.Sockets;
using EventStream.Tokens;

namespace EventStream.Edge;

/// <summary>
/// Writes the nginx configuration of an edge from the options that also make the tokens, so that the two cannot
/// disagree. The signing secret goes to a file of its own, <c>token.conf</c>, that only its owner may read.
/// </summary>
public static class EdgeConfig
{
    private const string Template = "nginx.conf.template";

    /// <summary>
    /// Writes the configuration, creates the folders, and returns the path of <c>nginx.conf</c>. Throws
    /// <see cref="Hosting.RoleConfigurationException"/> naming every wrong option.
    /// </summary>
    public static string Write(EdgeOptions options)
    {
        options.Validate();
        var folder = Path.GetFullPath(options.Folder);
        Directory.CreateDirectory(Path.Combine(folder, "tmp"));
        var secret = Path.Combine(folder, "token.conf");
        // A new file, because the mode of an existing one would stay as it was.
        File.Delete(secret);
        PrivateFile.Create(secret, new EdgeTokens(options.SigningKey).NginxDirective());
        var path = Path.Combine(folder, "nginx.conf");
        File.WriteAllText(path, Render(options with { Folder = folder }));
        return path;
    }

    /// <summary>The text of <c>nginx.conf</c>, which holds no secret.</summary>
    internal static string Render(EdgeOptions options)
    {
        var origin = new Uri(options.OriginUrl);
        var bind = IPAddress.Parse(options.BindAddress);
        Dictionary<string, string> values = new(StringComparer.Ordinal)
        {
            ["Name"] = options.Name,
            ["Region"] = options.Region,
            ["User"] = UserDirective(options),
            ["Folder"] = options.Folder,
            ["Bind"] = bind.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{bind}]" : bind.ToString(),
            ["Port"] = $"{options.Port}",
            ["OriginScheme"] = origin.Scheme,
            ["OriginAuthority"] = origin.IsDefaultPort ? $"{origin.Host}:{origin.Port}" : origin.Authority,
            ["AllowedOrigin"] = options.AllowedOrigin.TrimEnd('/'),
            ["CacheBytesMax"] = $"{options.CacheBytesMax}",
            ["ConnectionsMax"] = $"{options.ConnectionsMax}",
        };
        return values.Aggregate(ReadTemplate(), (text, pair) => text.Replace($"{{{{{pair.Key}}}}}", pair.Value));
    }

    private static string ReadTemplate()
    {
        using var stream =
            typeof(EdgeConfig).Assembly.GetManifestResourceStream(Template)
            ?? throw new InvalidOperationException($"The resource {Template} is not embedded.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static string UserDirective(EdgeOptions options)
    {
        // nginx ignores the directive, with a warning, unless its master process runs as root.
        if (!Environment.IsPrivilegedProcess)
            return "";
        return $"user {options.User ?? (OthersMayEnter(options.Folder) ? "www-data" : "root")};";
    }

    private static bool OthersMayEnter(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (at.Exists && (at.UnixFileMode & UnixFileMode.OtherExecute) == UnixFileMode.None)
                return false;
        }

        return true;
    }
}
