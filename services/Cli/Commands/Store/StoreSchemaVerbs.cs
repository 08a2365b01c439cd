using System.CommandLine;
using System.Globalization;
using EventStream.EventStore.Tools;
using Weasel.Core.Migrations;

namespace EventStream.Cli.Commands.Store;

/// <summary>The verbs that look at schemas and readers: migrate, assert, status, rebuild.</summary>
internal static class StoreSchemaVerbs
{
    public static async Task<int> MigrateAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var folder = parsed.GetValue(StoreCommand.Script);
        foreach (var store in tool.Of(parsed.GetValue(StoreCommand.Service)))
        {
            if (folder is null)
            {
                await store.Migration.ApplyAsync(cancellation);
                System.Console.WriteLine($"{store.Service.Name}: schema {store.Postgres.Schema} is up to date");
            }
            else
            {
                var file = Path.Combine(Directory.CreateDirectory(folder).FullName, $"{store.Service.Name}.sql");
                var written = await store.Migration.WriteAsync(file, cancellation);
                System.Console.WriteLine(
                    $"{store.Service.Name}: {(written ? $"written to {file}" : "nothing is missing")}"
                );
            }
        }

        return 0;
    }

    public static async Task<int> AssertAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var differs = false;
        foreach (var store in tool.Of(parsed.GetValue(StoreCommand.Service)))
        {
            try
            {
                await store.Migration.AssertAsync(cancellation);
                System.Console.WriteLine($"{store.Service.Name}: schema {store.Postgres.Schema} is as expected");
            }
            catch (DatabaseValidationException e)
            {
                differs = true;
                System.Console.WriteLine(
                    $"{store.Service.Name}: schema {store.Postgres.Schema} differs. "
                        + $"`eventstream store migrate` runs what is missing:\n{e.Message}"
                );
            }
        }

        return differs ? CommandLine.Failure : 0;
    }

    public static async Task<int> StatusAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        System.Console.WriteLine($"{"service", -8} {"reader", -28} {"position", 12} {"lag", 10}  run by");
        foreach (var store in tool.Of(parsed.GetValue(StoreCommand.Service)))
        {
            var owners = await new ReaderLocks(store).HeldAsync(cancellation);
            var newest = await store.Status.NewestAsync(cancellation);
            System.Console.WriteLine($"{store.Service.Name, -8} {"(newest event)", -28} {Number(newest), 12}");
            foreach (var reader in await store.Status.ReadersAsync(cancellation))
            {
                var owner = owners.GetValueOrDefault(reader.Name, "nobody");
                System.Console.WriteLine(
                    $"{store.Service.Name, -8} {reader.Name, -28} {Number(reader.Position), 12} "
                        + $"{Number(reader.Lag), 10}  {owner}"
                );
            }
        }

        return 0;
    }

    public static async Task<int> RebuildAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var name = parsed.GetValue(StoreCommand.ReadModel)!;
        var rebuilds = tool.Of(null).Select(store => new StoreRebuild(store)).ToList();
        var rebuild =
            rebuilds.FirstOrDefault(r => r.Names.Contains(name, StringComparer.Ordinal))
            ?? throw new CommandException(
                $"'{name}' is no read model. The read models are: "
                    + $"{string.Join(", ", rebuilds.SelectMany(r => r.Names))}."
            );
        await rebuild.RunAsync(name, cancellation);
        System.Console.WriteLine($"{name} is rebuilt");
        return 0;
    }

    internal static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);
}
