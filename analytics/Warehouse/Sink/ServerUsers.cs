using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ClickHouse.Driver;
using ClickHouse.Driver.ADO.Parameters;
using ClickHouse.Driver.Utility;
using EventStream.Hosting;
using Microsoft.Extensions.Configuration;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// The reader of a ClickHouse server: made at every start, so that its password, bounds and grants are those of the
/// settings. A reader that the server has from its configuration files is left alone.
/// </summary>
public sealed record ServerUsers
{
    /// <summary>ClickHouse's code for ACCESS_DENIED.</summary>
    private const int AccessDenied = 497;

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
                role,
                "ClickHouse:ReaderSecondsMax and ClickHouse:ReaderBytesMax must be at least 1."
            );
        return users;
    }

    /// <summary>
    /// The statements in their order; each may run again. Only the password's hash is sent, so that no log of the
    /// server holds it.
    /// </summary>
    public IReadOnlyList<string> Statements()
    {
        if (ReaderPassword is null)
            return [];
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(ReaderPassword)));
        var bounds = string.Create(
            CultureInfo.InvariantCulture,
            $"""
            SETTINGS readonly = 2 CONST, max_execution_time = {ReaderSecondsMax} MIN 1 MAX {ReaderSecondsMax},
            max_memory_usage = {ReaderBytesMax} MIN 1 MAX {ReaderBytesMax}
            """
        );
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
    /// Brings a server's reader to these settings. A reader of the server's own configuration is left alone. Throws
    /// <see cref="ClickHouseServerException"/>; with code 497 the writer may not manage users, and the message says
    /// what to grant.
    /// </summary>
    public async Task ApplyAsync(IClickHouseClient client, CancellationToken cancellation)
    {
        var statements = Statements();
        if (statements.Count == 0)
            return;
        try
        {
            if (await IsConfiguredAsync(client, cancellation))
                return;
            foreach (var statement in statements)
                await client.ExecuteNonQueryAsync(statement, cancellationToken: cancellation);
        }
        catch (ClickHouseServerException e) when (e.ErrorCode == AccessDenied)
        {
            throw new ClickHouseServerException(
                $"{e.Message} The warehouse makes the user '{ReaderUser}': GRANT ACCESS MANAGEMENT ON *.* to its own "
                    + "user, and GRANT SELECT, SHOW ON es.* WITH GRANT OPTION; or leave "
                    + "ClickHouse:ReaderPassword out and "
                    + "make the reader by hand.",
                e.Query,
                e.ErrorCode
            );
        }
    }

    /// <summary>Whether the reader comes from a configuration file, which no statement can change.</summary>
    private async Task<bool> IsConfiguredAsync(IClickHouseClient client, CancellationToken cancellation)
    {
        var parameters = new ClickHouseParameterCollection();
        parameters.AddParameter("name", ReaderUser);
        return await client.ExecuteScalarAsync(
            "SELECT storage FROM system.users WHERE name = {name:String}",
            parameters,
            cancellationToken: cancellation
        )
            is "users_xml";
    }
}
