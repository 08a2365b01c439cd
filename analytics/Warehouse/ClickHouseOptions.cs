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
    /// <summary>The address; that of the role <c>clickhouse</c> where it is not set.</summary>
    public Uri Url { get; init; } = new("http://127.0.0.1:8123");

    /// <summary>The user that writes.</summary>
    public string User { get; init; } = "default";

    /// <summary>Its password; <c>ClickHouse:PasswordFile</c> names a file instead.</summary>
    public string? Password { get; init; }

    /// <summary>Time of one request, beyond which its outcome is unknown.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Connections of one client at once; further requests wait for one of them.</summary>
    public int ConnectionsMax { get; init; } = 4;

    /// <summary>The user that reads, which the warehouse makes on a server.</summary>
    public string ReaderUser { get; init; } = "reader";

    /// <summary>
    /// Its password; <c>ClickHouse:ReaderPasswordFile</c> names a file instead. Without it no reader is made.
    /// </summary>
    public string? ReaderPassword { get; init; }

    /// <summary>Time a reader's statement may run on a server, in seconds.</summary>
    public int ReaderSecondsMax { get; init; } = 120;

    /// <summary>Memory of a reader's statement on a server, in bytes.</summary>
    public long ReaderBytesMax { get; init; } = 4L << 30;

    /// <summary>
    /// Reads the section; adds a sentence to <paramref name="errors"/> for each setting that is wrong.
    /// </summary>
    public static ClickHouseOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var options = new SettingsReader(configuration, "ClickHouse", errors).Bind<ClickHouseOptions>() with
        {
            Password = ClickHouseSecret.Read(configuration, nameof(Password), errors),
            ReaderPassword = ClickHouseSecret.Read(configuration, nameof(ReaderPassword)),
        };
        var address = configuration["ClickHouse:Url"] ?? RoleAddresses.Url(configuration, "clickhouse");
        if (Uri.TryCreate(address, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            options = options with { Url = url };
        else
            errors.Add($"ClickHouse:Url is '{address}'; give http://host:port.");
        if (options.ReaderUser.Length == 0 || options.ReaderUser.Any(c => c is '`' or '\\' || char.IsControl(c)))
            errors.Add("ClickHouse:ReaderUser is no name of a user.");
        if (options.ReaderSecondsMax < 1 || options.ReaderBytesMax < 1)
            errors.Add("ClickHouse:ReaderSecondsMax and ClickHouse:ReaderBytesMax must be at least 1.");
        if (options.ConnectionsMax < 1 || options.Timeout <= TimeSpan.Zero)
            errors.Add("ClickHouse:ConnectionsMax must be at least 1, and ClickHouse:Timeout above zero.");
        return options;
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
