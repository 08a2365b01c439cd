using ClickHouse.Driver;
using ClickHouse.Driver.ADO;
using EventStream.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Warehouse;

/// <summary>
/// How to reach ClickHouse, section <c>ClickHouse</c>: a server or the embedded engine, which look alike.
/// </summary>
public sealed record ClickHouseOptions
{
    /// <summary><c>ClickHouse:Url</c>; the address of the role <c>clickhouse</c> where it is not set.</summary>
    public required Uri Url { get; init; }

    /// <summary>
    /// <c>ClickHouse:User</c> and <c>ClickHouse:Password</c> (or <c>PasswordFile</c>) of the user that writes.
    /// </summary>
    public string User { get; init; } = "default";

    public string? Password { get; init; }

    /// <summary>Time of one request, beyond which its outcome is unknown.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Connections of one client at once; further requests wait for one of them.</summary>
    public int ConnectionsMax { get; init; } = 4;

    /// <summary>
    /// Reads the section; throws <see cref="RoleConfigurationException"/> when the address is not one or
    /// there is no password.
    /// </summary>
    public static ClickHouseOptions From(IConfiguration configuration, string role)
    {
        var section = configuration.GetSection("ClickHouse");
        var address = section["Url"] ?? RoleAddresses.Url(configuration, "clickhouse");
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            throw new RoleConfigurationException(role, $"ClickHouse:Url is '{address}'; give http://host:port.");
        var password = ClickHouseSecret.Read(configuration, "Password", out var fault);
        if (fault is not null)
            throw new RoleConfigurationException(role, fault);
        return new ClickHouseOptions
        {
            Url = url,
            User = section["User"] ?? "default",
            Password = password,
        };
    }

    /// <summary>
    /// A client of the official driver. On loopback nothing is compressed: it would cost more than it saves.
    /// </summary>
    public ClickHouseClient Client() =>
        new(
            new ClickHouseClientSettings
            {
                Protocol = Url.Scheme,
                Host = Url.Host,
                Port = (ushort)Url.Port,
                Path = Url.AbsolutePath.Trim('/') is { Length: > 0 } path ? path : null,
                Username = User,
                Password = Password ?? "",
                UseCompression = !Url.IsLoopback,
                // A JSON column takes the text of a message as it is.
                JsonWriteMode = JsonWriteMode.String,
                Timeout = Timeout,
                HttpClient = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = ConnectionsMax })
                {
                    Timeout = Timeout,
                },
            }
        );
}
