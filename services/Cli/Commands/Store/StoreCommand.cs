using System.CommandLine;

namespace EventStream.Cli.Commands.Store;

/// <summary>
/// <c>eventstream store ...</c>: the schemas of the services' stores, their readers and their events, from outside the
/// roles.
/// </summary>
internal static class StoreCommand
{
    private static readonly Option<string?> Data = CommandLine.Optional<string?>(
        "--data",
        "Data folder of a platform, running or not; otherwise EVENTSTREAM__POSTGRES__* and "
            + "EVENTSTREAM__KAFKA__* say where the stores are.",
        "DIR"
    );

    private static readonly Option<string?> Config = CommandLine.Optional<string?>(
        "--config",
        "A JSON file of settings. EVENTSTREAM__SECTION__KEY variables come on top of it.",
        "FILE"
    );

    internal static readonly Option<string?> Service = CommandLine.Optional<string?>(
        "--service",
        $"Only the store of this service: {string.Join(" or ", StoreTool.Services.Select(s => s.Name))}.",
        "NAME"
    );

    internal static readonly Option<string?> Script = CommandLine.Optional<string?>(
        "--script",
        "Apply nothing, write the SQL that is missing into this folder, one file a service.",
        "DIR"
    );

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

    internal static readonly Option<string?> Stream = CommandLine.Optional<string?>(
        "--stream",
        "Only this stream, such as video-0190...",
        "STREAM"
    );

    internal static readonly Option<long> After = CommandLine.Optional<long>(
        "--after",
        "Only events after this position.",
        "POSITION"
    );

    internal static readonly Option<long> UpTo = CommandLine.Defaulted(
        "--up-to",
        "Only events up to and with this position.",
        long.MaxValue,
        "POSITION"
    );

    internal static readonly Option<string?> Out = CommandLine.Optional<string?>(
        "--out",
        "Write to this file; where it exists, continue after its last event.",
        "FILE"
    );

    public static Command Build() =>
        new("store", "The event store: schema, readers, events.")
        {
            Verb(
                "migrate",
                "Bring the schemas to what this program expects; safe to repeat.",
                [Service, Script],
                StoreSchemaVerbs.MigrateAsync
            ),
            Verb(
                "assert",
                "Check that the schemas are what this program expects, and change nothing.",
                [Service],
                StoreSchemaVerbs.AssertAsync
            ),
            Verb(
                "status",
                "Show every reader with its position, its lag and who runs it.",
                [Service],
                StoreSchemaVerbs.StatusAsync
            ),
            Verb(
                "rebuild",
                "Rebuild a read model in place; refused while its service runs.",
                [ReadModel],
                StoreSchemaVerbs.RebuildAsync
            ),
            Verb(
                "replay",
                "Publish events to their topics again, marked as a replay by the header es_replay.",
                [Service, Stream, After, UpTo],
                StoreEventVerbs.ReplayAsync
            ),
            Verb(
                "export",
                "Write a service's events as NDJSON, to standard output or a file. Personal data in it is plain text.",
                [Service, Stream, After, Out],
                StoreEventVerbs.ExportAsync
            ),
            Verb(
                "import",
                "Read an export into the stores; run again, it continues where it was cut.",
                [From],
                StoreEventVerbs.ImportAsync
            ),
            Verb(
                "erase",
                "Erase a person from the events and read models; this cannot be undone.",
                [Subject],
                StoreEventVerbs.EraseAsync
            ),
        };

    private static Command Verb(
        string name,
        string description,
        Symbol[] own,
        Func<StoreTool, ParseResult, CancellationToken, Task<int>> run
    ) =>
        CommandLine.Verb(
            name,
            description,
            [.. own, Data, Config],
            async (parsed, cancellation) =>
            {
                var (data, config) = (parsed.GetValue(Data), parsed.GetValue(Config));
                await using var tool = await StoreTool.OpenAsync(data, config, cancellation);
                return await tool.RunAsync(() => run(tool, parsed, cancellation));
            }
        );
}
