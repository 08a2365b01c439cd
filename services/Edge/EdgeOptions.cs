using System.Net;
using System.Text.RegularExpressions;
using EventStream.Hosting;
using EventStream.Tokens;
using Microsoft.Extensions.Configuration;

namespace EventStream.Edge;

/// <summary>One edge cache: where it listens, what it is called, where its files and its origin are.</summary>
public sealed partial record EdgeOptions
{
    /// <summary>The port where an edge serves viewers by default.</summary>
    public const int DefaultPort = 7080;

    /// <summary>Name in playlists, logs and steering: lower-case letters, digits and hyphens.</summary>
    public required string Name { get; init; }

    /// <summary>Region that the edge serves, as <see cref="Name"/>; may be empty.</summary>
    public string Region { get; init; } = "";

    /// <summary>TCP port, 1 to 65535.</summary>
    public required int Port { get; init; }

    /// <summary>IP address that is bound.</summary>
    public string BindAddress { get; init; } = "127.0.0.1";

    /// <summary>Folder of the edge's own: configuration, logs, cache and temporary files.</summary>
    public required string Folder { get; init; }

    /// <summary>Where Playback answers, such as <c>http://127.0.0.1:7002</c>, without a path.</summary>
    public required string OriginUrl { get; init; }

    /// <summary>The key that Playback signs with.</summary>
    public required string SigningKey { get; init; }

    /// <summary>Most bytes of media kept on disk. nginx drops the least recently used beyond it.</summary>
    public long CacheBytesMax { get; init; } = 2L << 30;

    /// <summary>
    /// Most connections at once, to viewers and origin together; each costs a few kilobytes while open.
    /// </summary>
    public int ConnectionsMax { get; init; } = 2048;

    /// <summary>
    /// Value of <c>Access-Control-Allow-Origin</c>. Tokens, not cookies, open the media, so any page may ask.
    /// </summary>
    public string AllowedOrigin { get; init; } = "*";

    /// <summary>
    /// User of the worker process where nginx is started as root; null takes <c>www-data</c>, or root where the
    /// folder lies inside one that others may not enter.
    /// </summary>
    public string? User { get; init; }

    /// <summary>
    /// Reads the section <c>Edge</c>; adds a sentence to <paramref name="errors"/> for each setting that is wrong. The
    /// origin is the role <c>playback</c> where none is named, and the signing key is that of Playback.
    /// </summary>
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
        // A missing key is already in the list, with the settings that hold it.
        foreach (
            var error in options.Errors().Where(error => !error.StartsWith("SigningKey", StringComparison.Ordinal))
        )
            errors.Add($"Edge:{error}");
        return options;
    }

    /// <summary>Throws one <see cref="RoleConfigurationException"/> that names every wrong option.</summary>
    public void Validate()
    {
        var errors = Errors().ToList();
        if (errors.Count > 0)
            throw new RoleConfigurationException($"edge '{Name}'", string.Join(' ', errors));
    }

    /// <summary>A sentence for each wrong option, beginning with its name.</summary>
    internal IEnumerable<string> Errors()
    {
        if (!NamePattern().IsMatch(Name))
            yield return "Name: use 1 to 32 lower-case letters, digits and hyphens.";
        if (Region.Length > 0 && !NamePattern().IsMatch(Region))
            yield return "Region: use up to 32 lower-case letters, digits and hyphens.";
        if (Port is < 1 or > 65535)
            yield return $"Port: {Port} is not in 1..65535.";
        if (!IPAddress.TryParse(BindAddress, out _))
            yield return $"BindAddress: '{BindAddress}' is not an IP address.";
        if (Folder.Length == 0 || Folder.AsSpan().ContainsAny("\"\\$\n\r"))
            yield return "Folder: name a folder without quotes, backslashes, dollar signs and line breaks.";
        if (!IsOrigin(OriginUrl))
            yield return $"OriginUrl: '{OriginUrl}' is not like http://host:port.";
        if (SigningKey.Length < SigningKeys.LengthMin)
            yield return $"SigningKey: give at least {SigningKeys.LengthMin} random characters.";
        if (CacheBytesMax < 1 << 20)
            yield return "CacheBytesMax: give at least 1048576 bytes.";
        if (ConnectionsMax < 64)
            yield return "ConnectionsMax: give at least 64.";
        if (AllowedOrigin != "*" && !IsOrigin(AllowedOrigin))
            yield return $"AllowedOrigin: '{AllowedOrigin}' is neither * nor like http://host:port.";
        if (User is not null && !UserPattern().IsMatch(User))
            yield return $"User: '{User}' is not a user name.";
    }

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && uri.Scheme is "http" or "https"
        && uri is { AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" }
        && !text.AsSpan().ContainsAny("\"$;{}");

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,31}$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[a-z_][a-z0-9_-]{0,31}$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UserPattern();
}
