using System.CommandLine;
using ClickHouse.Driver;
using EventStream.Hosting;
using EventStream.Warehouse;
using EventStream.Warehouse.Schema;
using EventStream.Warehouse.Sink;

namespace EventStream.Cli.Commands;

/// <summary><c>eventstream warehouse ...</c>: ClickHouse's schema and its reader, from outside the roles.</summary>
internal static class WarehouseCommand
{
    private static readonly Option<string?> Config = CommandLine.Optional<string?>(
        "--config",
        "A JSON file of settings. EVENTSTREAM__CLICKHOUSE__* variables come on top of it.",
        "FILE"
    );

    public static Command Build()
    {
        var migrate = CommandLine.Verb(
            "migrate",
            "Bring ClickHouse's schema, reader, bounds and grants to this program; safe to repeat.",
            [Config],
            MigrateAsync
        );
        return new Command("warehouse", "The warehouse in ClickHouse: schema and reader.") { migrate };
    }

    private static async Task<int> MigrateAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var configuration = CommandLine.ReadSettings(parsed.GetValue(Config), []);
        var options = RoleOptions.Read(WarehouseRole.RoleName, configuration, ClickHouseOptions.Read);
        using var client = options.Client();
        try
        {
            await SchemaMigrator.ApplyAsync(client, cancellation);
            await new ServerUsers(options).ApplyAsync(client, cancellation);
        }
        catch (Exception e)
            when (e is ClickHouseServerException or HttpRequestException
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested)
            )
        {
            throw new CommandException($"ClickHouse at {options.Url} was not migrated: {e.Message}", e);
        }

        System.Console.WriteLine($"The schema of {options.Url} is up to date, and so is its reader.");
        return 0;
    }
}
