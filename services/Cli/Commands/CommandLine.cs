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

    /// <summary>Exit code of a command that was interrupted, as a shell gives it for one that SIGINT ends.</summary>
    private const int Interrupted = 130;

    /// <summary>
    /// Parses and runs. Every expected error is one line on standard error; the exit code says the rest.
    /// </summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var root = Build();
        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        // SIGTERM and SIGINT cancel a command, which then ends in order and with bounds of its own.
        var configuration = new InvocationConfiguration
        {
            ProcessTerminationTimeout = Timeout.InfiniteTimeSpan,
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
        catch (OperationCanceledException e) when (e.InnerException is not TimeoutException)
        {
            return Interrupted;
        }
    }

    /// <summary>
    /// The settings of a command: those of a file, of the environment and its own. Throws
    /// <see cref="CommandException"/> where the file cannot be read.
    /// </summary>
    public static IConfiguration ReadSettings(string? file, Dictionary<string, string?> own)
    {
        try
        {
            return RoleHost.ReadConfiguration(file, own);
        }
        catch (FileNotFoundException e)
        {
            throw new CommandException($"The configuration file '{file}' does not exist.", e);
        }
        catch (Exception e) when (e is InvalidDataException or FormatException)
        {
            throw new CommandException(
                $"The configuration file '{file}' is not valid JSON: {e.GetBaseException().Message}",
                e
            );
        }
    }

    /// <summary>The whole command with its verbs and options.</summary>
    public static RootCommand Build()
    {
        return new RootCommand(
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
            UploadCommand.Build(),
            LoadCommand.Build(),
            CapacityCommand.Build(),
            KeyCommand.Build(),
            VersionCommand.Build(),
        };
    }

    /// <summary>A verb with its arguments and options, and what it does; that returns the exit code.</summary>
    internal static Command Verb(
        string name,
        string description,
        IEnumerable<Symbol> symbols,
        Func<ParseResult, CancellationToken, Task<int>> run
    )
    {
        var verb = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Option option)
                verb.Add(option);
            else
                verb.Add((Argument)symbol);
        }

        verb.SetAction(run);
        return verb;
    }

    /// <summary>An option that may be left out; <paramref name="value"/> is its value's name in the help.</summary>
    internal static Option<T> Optional<T>(string name, string description, string? value = null) =>
        new(name) { Description = description, HelpName = value };

    /// <summary>An option with a value of its own where it is left out.</summary>
    internal static Option<T> Defaulted<T>(string name, string description, T fallback, string? value = null) =>
        new(name)
        {
            Description = description,
            HelpName = value,
            DefaultValueFactory = _ => fallback,
        };

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
