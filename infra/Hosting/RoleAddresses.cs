using Microsoft.Extensions.Configuration;

namespace EventStream.Hosting;

/// <summary>
/// Where roles listen and where they are reached. <c>EVENTSTREAM__LISTEN__UPLOAD</c> is the address a role binds,
/// <c>EVENTSTREAM__URLS__UPLOAD</c> the one others use; both default to loopback and the role's port.
/// <c>EVENTSTREAM__URLS__PUBLIC__UPLOAD</c> is the one that clients use where an ingress gives it another.
/// </summary>
public static class RoleAddresses
{
    private static readonly Dictionary<string, int> Ports = new(StringComparer.Ordinal)
    {
        ["console"] = 7000,
        ["upload"] = 7001,
        ["playback"] = 7002,
        ["traffic"] = 7003,
        ["collect"] = 7004,
        ["qoe"] = 7005,
        ["warehouse"] = 7006,
        ["capacity"] = 7007,
        ["encode"] = 7008,
        ["supervisor"] = 7009,
        ["encode-worker"] = 0,
        ["broker"] = 7010,
        ["edge"] = 7011,
        ["clickhouse"] = 8123,
    };

    /// <summary>The port of a role, 0 where it takes any.</summary>
    public static int PortOf(string role) => Ports.GetValueOrDefault(role);

    /// <summary>The address a role binds.</summary>
    public static string Listen(IConfiguration configuration, string role) =>
        configuration[$"Listen:{role}"] ?? $"http://127.0.0.1:{PortOf(role)}";

    /// <summary>The address at which others reach a role, without a trailing slash.</summary>
    public static string Url(IConfiguration configuration, string role) =>
        (configuration[$"Urls:{role}"] ?? Listen(configuration, role)).TrimEnd('/');

    /// <summary>
    /// The address at which clients from outside reach a role, without a trailing slash: <c>Urls:Public:ROLE</c> where
    /// it differs from the one that other roles use.
    /// </summary>
    public static string PublicUrl(IConfiguration configuration, string role) =>
        configuration[$"Urls:Public:{role}"]?.TrimEnd('/') ?? Url(configuration, role);
}
