using System.CommandLine;
using EventStream.Cli.Commands.Store;
using EventStream.Edge;
using EventStream.EventStore.Former;
using EventStream.Hosting;
using EventStream.Processes;

namespace EventStream.Cli.Commands;

/// <summary>The verbs of <c>eventstream</c> and what becomes of their errors.</summary>
public static class CommandLine
{
    /// <summary>Exit code of a command that could not be done, as against 0 for one that was.</summary>
    public const int Failure = 1;

    /// <summary>
    /// Parses and runs. Every expected error is one line on standard error; the exit code says the rest.
    /// </summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var root = Build();
        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        // The commands end themselves on SIGTERM and SIGINT, in order and with bounds of their own.
        var configuration = new InvocationConfiguration
        {
            ProcessTerminationTimeout = null,
            EnableDefaultExceptionHandler = false,
        };
        try
        {
            return await parsed.InvokeAsync(configuration);
        }
        catch (Exception e) when (Expected(e) is { } sentence)
        {
            await System.Console.Error.WriteLineAsync($"eventstream: {sentence}");
            return Failure;
        }
    }

    /// <summary>The whole command with its verbs and options.</summary>
    public static RootCommand Build()
    {
        var root = new RootCommand(
            "EventStream: video in, viewers served, quality known, capacity decided."
                + Environment.NewLine
                + Environment.NewLine
                + "Roles for `eventstream run ROLE...`:"
                + Environment.NewLine
                + RoleTable()
        )
        {
            RunCommand.Build(),
            UpCommand.Build(),
            DownCommand.Build(),
            StatusCommand.Build(),
            TopicsCommand.Build(),
            StoreCommand.Build(),
            WarehouseCommand.Build(),
            LoadCommand.Build(),
            CapacityCommand.Build(),
            KeyCommand.Build(),
            VersionCommand.Build(),
        };
        return root;
    }

    private static string RoleTable() =>
        string.Join(Environment.NewLine, Roles.All().Select(role => $"  {role.Name, -14} {role.Summary}"));

    private static string? Expected(Exception e) =>
        e switch
        {
            CommandException
            or RoleConfigurationException
            or MissingToolException
            or EdgeStartException
            or FormerStoreException
            or UnauthorizedAccessException => e.Message,
            AggregateException { InnerExceptions.Count: 1 } many => Expected(many.InnerExceptions[0]),
            _ => null,
        };
}
