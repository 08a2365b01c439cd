using System.CommandLine;

namespace EventStream.Cli.Commands;

/// <summary><c>eventstream run ROLE...</c>: runs roles in this process until it is asked to stop.</summary>
internal static class RunCommand
{
    private static readonly Argument<string[]> RoleNames = new("role")
    {
        Description = "One or more roles, each a web application of its own in this process.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<string?> Config = CommandLine.Optional<string?>(
        "--config",
        "A JSON file of settings. EVENTSTREAM__SECTION__KEY variables come on top of it.",
        "FILE"
    );

    private static readonly Option<string?> Data = CommandLine.Optional<string?>(
        "--data",
        "Data folder of the role `broker`.",
        "DIR"
    );

    private static readonly Option<int?> Port = CommandLine.Optional<int?>(
        "--port",
        "Kafka port of the role `broker`.",
        "PORT"
    );

    public static Command Build() =>
        CommandLine.Verb(
            "run",
            "Run one or more roles until SIGTERM or Ctrl-C.",
            [RoleNames, Config, Data, Port],
            RunAsync
        );

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var roles = Roles.Named(parsed.GetValue(RoleNames)!);
        var configuration = ReadConfiguration(parsed);
        // The engine takes the process's signal handlers for a moment, so it connects before any host or thread of
        // ours.
        if (roles.Any(role => role is ClickHouseRole))
            ClickHouseRole.ConnectFirst(configuration);
        await using var process = new RoleProcess(roles, configuration);
        return await process.RunAsync(cancellation);
    }

    private static IConfiguration ReadConfiguration(ParseResult parsed)
    {
        var overrides = new Dictionary<string, string?>();
        if (parsed.GetValue(Data) is { } data)
            overrides["Broker:DataFolder"] = Path.GetFullPath(data);
        if (parsed.GetValue(Port) is { } port)
            overrides["Broker:Port"] = $"{port}";
        return CommandLine.ReadSettings(parsed.GetValue(Config), overrides);
    }
}
