using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EventStream.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// The reader of a ClickHouse server: made at every start, so that its password, bounds and grants are those of the
/// settings. The embedded engine has its users from its own settings and is left alone.
/// </summary>
public sealed record ServerUsers
{
    private const string Profile = "eventstream_reader";

    /// <summary><c>ClickHouse:ReaderUser</c>, the user that reads.</summary>
    public string ReaderUser { get; init; } = "reader";

    /// <summary>
    /// <c>ClickHouse:ReaderPassword</c>, or <c>ClickHouse:ReaderPasswordFile</c>; without it no reader is made.
    /// </summary>
    public string? ReaderPassword { get; init; }

    /// <summary><c>ClickHouse:ReaderSecondsMax</c>: time a reader's statement may run.</summary>
    public int ReaderSecondsMax { get; init; } = 120;

    /// <summary><c>ClickHouse:ReaderBytesMax</c>: memory of a reader's statement.</summary>
    public long ReaderBytesMax { get; init; } = 4L << 30;

    /// <summary>Reads the section; throws <see cref="RoleConfigurationException"/> naming what is wrong.</summary>
    public static ServerUsers From(IConfiguration configuration, string role)
    {
        var users = (configuration.GetSection("ClickHouse").Get<ServerUsers>() ?? new ServerUsers()) with
        {
            ReaderPassword = ClickHouseSecret.Read(configuration, nameof(ReaderPassword), out _),
        };
        if (users.ReaderUser.Length == 0 || users.ReaderUser.Any(c => c is '`' or '\\' || char.IsControl(c)))
            throw new RoleConfigurationException(role, "ClickHouse:ReaderUser is no name of a user.");
        if (users.ReaderSecondsMax < 1 || users.ReaderBytesMax < 1)
            throw new RoleConfigurationException(
                role, "ClickHouse:ReaderSecondsMax and ClickHouse:ReaderBytesMax must be at least 1.");
        return users;
    }

    /// <summary>
    /// The statements in their order; each may run again. Only the password's hash is sent, so that no log of the
    /// server holds it.
    /// </summary>
    public IReadOnlyList<string> Statements()
    {
        if (ReaderPassword is null) return [];
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(ReaderPassword)));
        var bounds = string.Create(CultureInfo.InvariantCulture, $"""
            SETTINGS readonly = 2 CONST, max_execution_time = {ReaderSecondsMax} MIN 1 MAX {ReaderSecondsMax},
            max_memory_usage = {ReaderBytesMax} MIN 1 MAX {ReaderBytesMax}
            """);
        return
        [
            $"CREATE SETTINGS PROFILE IF NOT EXISTS `{Profile}`",
            $"ALTER SETTINGS PROFILE `{Profile}` {bounds}",
            $"CREATE USER IF NOT EXISTS `{ReaderUser}` IDENTIFIED WITH sha256_hash BY '{hash}'",
            $"ALTER USER `{ReaderUser}` IDENTIFIED WITH sha256_hash BY '{hash}' SETTINGS PROFILE '{Profile}'",
            $"GRANT SELECT, SHOW ON es.* TO `{ReaderUser}`",
        ];
    }

    /// <summary>
    /// Brings a server's reader to these settings. Throws <see cref="ClickHouseException"/>; with code 497 the writer
    /// may not manage users, and the message says what to grant.
    /// </summary>
    public async Task ApplyAsync(ClickHouseClient client, CancellationToken cancellation)
    {
        var statements = Statements();
        if (statements.Count == 0 || await client.IsEmbeddedAsync(cancellation)) return;
        try
        {
            foreach (var statement in statements) await client.ExecuteAsync(statement, cancellation);
        }
        catch (ClickHouseException e) when (e.Code == ClickHouseException.AccessDenied)
        {
            throw new ClickHouseException(
                e.Code, e.Name,
                $"{e.Message} The warehouse makes the user '{ReaderUser}': GRANT ACCESS MANAGEMENT ON *.* to its own "
                + "user, and GRANT SELECT, SHOW ON es.* WITH GRANT OPTION; or leave ClickHouse:ReaderPassword out and "
                + "make the reader by hand.");
        }
    }
}
