using System.CommandLine;

namespace EventStream.Cli.Commands.Store;

/// <summary>
/// <c>eventstream store ...</c>: the schemas of the services' stores, their readers and their events, from outside the
/// roles.
/// </summary>
internal static class StoreCommand
{
    private static readonly Option<string?> Data = new("--data")
    {
        Description =
            "Data folder of a platform, running or not; otherwise EVENTSTREAM__POSTGRES__* and "
            + "EVENTSTREAM__KAFKA__* say where the stores are.",
        HelpName = "DIR",
    };

    private static readonly Option<string?> Config = new("--config")
    {
        Description = "A JSON file of settings. EVENTSTREAM__SECTION__KEY variables come on top of it.",
        HelpName = "FILE",
    };

    internal static readonly Option<string?> Service = new("--service")
    {
        Description = $"Only the store of this service: {string.Join(" or ", StoreTool.Services.Select(s => s.Name))}.",
        HelpName = "NAME",
    };

    internal static readonly Option<string?> Script = new("--script")
    {
        Description = "Apply nothing, write the SQL that is missing into this folder, one file a service.",
        HelpName = "DIR",
    };

    internal static readonly Argument<string> ReadModel = new("name")
    {
        Description = "A read model; `eventstream store status` lists them.",
    };

    internal static readonly Argument<string> Subject = new("subject")
    {
        Description = "Who is erased, as the events name the person.",
    };

    internal static readonly Argument<string> From = new("file")
    {
        Description = "What `eventstream store export` wrote, of this release or a former one; - is standard input.",
    };

    internal static readonly Option<string?> Stream = new("--stream")
    {
        Description = "Only this stream, such as video-0190...",
        HelpName = "STREAM",
    };

    internal static readonly Option<long> After = new("--after")
    {
        Description = "Only events after this position.",
        HelpName = "POSITION",
    };

    internal static readonly Option<long> UpTo = new("--up-to")
    {
        Description = "Only events up to and with this position.",
        DefaultValueFactory = _ => long.MaxValue,
        HelpName = "POSITION",
    };

    internal static readonly Option<string?> Out = new("--out")
    {
        Description = "Write to this file; where it exists, continue after its last event.",
        HelpName = "FILE",
    };

    public static Command Build() =>
        new("store", "The event store: schema, readers, events.")
        {
            With(
                new Command("migrate", "Bring the schemas to what this program expects; safe to repeat.")
                {
                    Service,
                    Script,
                },
                StoreSchemaVerbs.MigrateAsync
            ),
            With(
                new Command("assert", "Check that the schemas are what this program expects, and change nothing.")
                {
                    Service,
                },
                StoreSchemaVerbs.AssertAsync
            ),
            With(
                new Command("status", "Show every reader with its position, its lag and who runs it.") { Service },
                StoreSchemaVerbs.StatusAsync
            ),
            With(
                new Command("rebuild", "Rebuild a read model in place; refused while its service runs.") { ReadModel },
                StoreSchemaVerbs.RebuildAsync
            ),
            With(
                new Command(
                    "replay",
                    "Publish events to their topics again, marked as a replay by the header es_replay."
                )
                {
                    Service,
                    Stream,
                    After,
                    UpTo,
                },
                StoreEventVerbs.ReplayAsync
            ),
            With(
                new Command(
                    "export",
                    "Write a service's events as NDJSON, to standard output or a file. Personal data in "
                        + "it is plain text."
                )
                {
                    Service,
                    Stream,
                    After,
                    Out,
                },
                StoreEventVerbs.ExportAsync
            ),
            With(
                new Command("import", "Read an export into the stores; run again, it continues where it was cut.")
                {
                    From,
                },
                StoreEventVerbs.ImportAsync
            ),
            With(
                new Command("erase", "Erase a person from the events and read models; this cannot be undone.")
                {
                    Subject,
                },
                StoreEventVerbs.EraseAsync
            ),
        };

    private static Command With(Command command, Func<StoreTool, ParseResult, CancellationToken, Task<int>> run)
    {
        command.Options.Add(Data);
        command.Options.Add(Config);
        command.SetAction(
            async (parsed, cancellation) =>
            {
                await using var tool = await StoreTool.OpenAsync(
                    parsed.GetValue(Data),
                    parsed.GetValue(Config),
                    cancellation
                );
                return await tool.RunAsync(() => run(tool, parsed, cancellation));
            }
        );
        return command;
    }
}
