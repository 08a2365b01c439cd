using System.Security.Cryptography;
using System.Text;
using ClickHouse.Driver;
using ClickHouse.Driver.ADO.Parameters;
using ClickHouse.Driver.Utility;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// The reader of a ClickHouse server: made at every start, so that its password, bounds and grants are those of the
/// settings. A reader that the server has from its configuration files is left alone.
/// </summary>
public sealed class ServerUsers(ClickHouseOptions options)
{
    /// <summary>ClickHouse's code for ACCESS_DENIED.</summary>
    private const int AccessDenied = 497;

    private const string Profile = "eventstream_reader";

    /// <summary>
    /// The statements in their order; each may run again. Only the password's hash is sent, so that no log of the
    /// server holds it.
    /// </summary>
    public IReadOnlyList<string> Statements()
    {
        if (options.ReaderPassword is null)
            return [];
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(options.ReaderPassword)));
        var (user, seconds, bytes) = (options.ReaderUser, options.ReaderSecondsMax, options.ReaderBytesMax);
        return
        [
            $"CREATE SETTINGS PROFILE IF NOT EXISTS `{Profile}`",
            $"ALTER SETTINGS PROFILE `{Profile}` SETTINGS readonly = 2 CONST, max_execution_time = {seconds} MIN 1 "
                + $"MAX {seconds}, max_memory_usage = {bytes} MIN 1 MAX {bytes}",
            $"CREATE USER IF NOT EXISTS `{user}` IDENTIFIED WITH sha256_hash BY '{hash}'",
            $"ALTER USER `{user}` IDENTIFIED WITH sha256_hash BY '{hash}' SETTINGS PROFILE '{Profile}'",
            $"GRANT SELECT, SHOW ON es.* TO `{user}`",
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
                $"{e.Message} The warehouse makes the user '{options.ReaderUser}': GRANT ACCESS MANAGEMENT ON *.* "
                    + "to its own user, and GRANT SELECT, SHOW ON es.* WITH GRANT OPTION; or leave "
                    + "ClickHouse:ReaderPassword out and make the reader by hand.",
                e.Query,
                e.ErrorCode
            );
        }
    }

    /// <summary>Whether the reader comes from a configuration file, which no statement can change.</summary>
    private async Task<bool> IsConfiguredAsync(IClickHouseClient client, CancellationToken cancellation)
    {
        var parameters = new ClickHouseParameterCollection();
        parameters.AddParameter("name", options.ReaderUser);
        return await client.ExecuteScalarAsync(
            "SELECT storage FROM system.users WHERE name = {name:String}",
            parameters,
            cancellationToken: cancellation
        )
            is "users_xml";
    }
}
