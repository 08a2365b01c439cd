using System.CommandLine;
using System.Globalization;
using EventStream.EventStore;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Relay;
using EventStream.EventStore.Tools;

namespace EventStream.Cli.Commands;

/// <summary>
/// <c>eventstream store ...</c>: the schema of the event store, its readers, and its events, from outside the roles.
/// </summary>
internal static class StoreCommand
{
    private static readonly Option<string?> Data = new("--data")
    {
        Description = "Data folder of a running platform; otherwise EVENTSTREAM__POSTGRES__* and EVENTSTREAM__KAFKA__* "
            + "say where the store is.",
        HelpName = "DIR",
    };

    private static readonly Option<string?> Config = new("--config")
    {
        Description = "A JSON file of settings. EVENTSTREAM__SECTION__KEY variables come on top of it.",
        HelpName = "FILE",
    };

    private static readonly Argument<string> Reader = new("name")
    {
        Description = "A projection, or another reader such as kafka-relay; `eventstream store status` lists them.",
    };

    private static readonly Argument<string> Subject = new("subject")
    {
        Description = "Who is erased, as the events name the person.",
    };

    private static readonly Argument<long> Position = new("position")
    {
        Description = "The position after which to begin again; 0 for the first event.",
    };

    private static readonly Option<string?> Stream = new("--stream")
    {
        Description = "Only this stream, such as video-0190...",
        HelpName = "STREAM",
    };

    private static readonly Option<string> Tenant = new("--tenant")
    {
        Description = "The tenant whose stream it is.",
        DefaultValueFactory = _ => Tenants.Default,
        HelpName = "NAME",
    };

    private static readonly Option<long> After = new("--after")
    {
        Description = "Only events after this position.",
        HelpName = "POSITION",
    };

    private static readonly Option<long> UpTo = new("--up-to")
    {
        Description = "Only events up to and with this position.",
        DefaultValueFactory = _ => long.MaxValue,
        HelpName = "POSITION",
    };

    private static readonly Option<string?> Out = new("--out")
    {
        Description = "Write to this file; where it is there already, go on after its last event.",
        HelpName = "FILE",
    };

    public static Command Build() => new("store", "The event store: schema, readers, events.")
    {
        With(new Command("migrate", "Bring the schema to what this program expects; safe to repeat."), MigrateAsync),
        With(new Command("status", "Show the schema, the positions and every reader with its lag."), StatusAsync),
        With(
            new Command("rebuild", "Build a projection anew beside the live one, then switch to it.") { Reader },
            RebuildAsync),
        With(
            new Command("replay", "Publish events to their topics again, told as a replay by the header es_replay.")
            {
                Stream, Tenant, After, UpTo,
            },
            ReplayAsync),
        With(
            new Command("export", "Write events as NDJSON, to standard output or to a file that can be gone on with.")
            {
                Stream, Tenant, After, Out,
            },
            ExportAsync),
        With(new Command("pause", "Make a reader rest.") { Reader }, PauseAsync),
        With(new Command("resume", "Make a reader that rests, or was stopped by an event, go on.") { Reader },
            ResumeAsync),
        With(
            new Command("rewind", "Make a paused reader handle the events after a position again.") { Reader,
                Position },
            RewindAsync),
        With(new Command("erase", "Erase a person from the events of a tenant, for ever.") { Subject, Tenant },
            EraseAsync),
    };

    private static Command With(Command command, Func<StoreTool, ParseResult, CancellationToken, Task<int>> run)
    {
        command.Options.Add(Data);
        command.Options.Add(Config);
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var tool = StoreTool.Open(parsed.GetValue(Data), parsed.GetValue(Config));
            return await tool.RunAsync(() => run(tool, parsed, cancellation));
        });
        return command;
    }

    private static async Task<int> MigrateAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var migrator = new Migrator(tool.Source, tool.Options.Schema);
        foreach (var (name, assembly, folder) in StoreTool.Modules)
        {
            var applied = await migrator.ApplyAsync(name, assembly, folder, cancellation);
            System.Console.WriteLine(applied == 0 ? $"{name}: up to date" : $"{name}: {applied} steps applied");
        }

        return 0;
    }

    private static async Task<int> StatusAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var readers = await tool.Readers.ListAsync(cancellation);
        var generations = await tool.Readers.GenerationsAsync(cancellation);
        var mark = await tool.Services.HighWater.AdvanceAsync(cancellation);
        System.Console.WriteLine($"schema {tool.Options.Schema}, safe to read up to position {Number(mark)}");
        System.Console.WriteLine();
        System.Console.WriteLine($"{"projection",-28} {"generation",10} {"version",8} {"shards",7}  state");
        foreach (var g in generations)
            System.Console.WriteLine(
                $"{g.Name,-28} {g.Generation,10} {g.Version,8} {g.Shards,7}  {(g.Live ? "live" : "building")}, "
                + $"{g.Lifecycle.ToString().ToLowerInvariant()}");
        System.Console.WriteLine();
        System.Console.WriteLine($"{"reader",-28} {"position",12} {"lag",10} {"errors",7}  state");
        foreach (var reader in readers)
        {
            var state = reader.Stopped is { } why ? $"stopped: {why}" : reader.Paused ? "paused" : "runs or stands by";
            System.Console.WriteLine(
                $"{reader.Reader,-28} {Number(reader.Position),12} {Number(reader.Lag),10} {reader.Errors,7}  {state}");
        }

        return readers.Any(reader => reader.Stopped is not null) ? CommandLine.Failure : 0;
    }

    private static async Task<int> RebuildAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var (projection, lifecycle) = StoreTool.Named(parsed.GetValue(Reader)!);
        var progress = new Told<RebuildProgress>(p =>
            $"{p.Projection} generation {p.Generation}: {Number(p.Position)} of {Number(p.Target)}");
        await new StoreRebuild(tool.Services).RunAsync(projection, lifecycle, progress, cancellation);
        progress.End();
        System.Console.WriteLine($"{projection.Name} is rebuilt and live");
        return 0;
    }

    private static async Task<int> ReplayAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var (stream, after, upTo) = (parsed.GetValue(Stream), parsed.GetValue(After), parsed.GetValue(UpTo));
        if (stream is null && after == 0 && upTo == long.MaxValue)
            throw new CommandException("Name what to replay: --stream, or a range by --after and --up-to.");
        if (stream is not null && !StoreTool.Routes.Any(route => route.Takes(stream)))
            throw new CommandException($"'{stream}' has no topic: the relay carries "
                + $"{string.Join(", ", StoreTool.Routes.Select(route => $"{route.Category}-* to {route.Topic}"))}.");
        var progress = new Told<long>(count => $"{Number(count)} events published");
        var published = await new StoreReplay(tool.Kafka, StoreTool.Routes, tool.Services, "/eventstream/store")
            .RunAsync(stream, after, upTo, progress, cancellation, parsed.GetValue(Tenant)!);
        System.Console.WriteLine($"{Number(published)} events are published again");
        return published == 0 ? CommandLine.Failure : 0;
    }

    private static async Task<int> ExportAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var (export, tenant) = (new StoreExport(tool.Services), parsed.GetValue(Tenant)!);
        var (stream, from) = (parsed.GetValue(Stream), new ExportPoint(parsed.GetValue(After), 0));
        if (parsed.GetValue(Out) is not { } path)
        {
            await using var output = new BufferedStream(System.Console.OpenStandardOutput(), 1 << 16);
            await export.RunAsync(output, stream, from, null, cancellation, tenant);
            return 0;
        }

        await using var file = Open(path);
        var there = await StoreExport.ResumeAsync(file, cancellation);
        if (there.Position > from.Position) from = there;
        var progress = new Told<long>(count => $"{Number(count)} events written");
        var written = await export.RunAsync(file, stream, from, progress, cancellation, tenant);
        System.Console.WriteLine($"{Number(written)} events written to {path}");
        return 0;
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1 << 16);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"'{path}' cannot be written: {e.Message}", e);
        }
    }

    private static async Task<int> PauseAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation) =>
        Moved(parsed, await tool.Readers.PauseAsync(parsed.GetValue(Reader)!, cancellation), "rests");

    private static async Task<int> ResumeAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation) =>
        Moved(parsed, await tool.Readers.ResumeAsync(parsed.GetValue(Reader)!, cancellation), "goes on");

    private static async Task<int> RewindAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var (name, position) = (parsed.GetValue(Reader)!, parsed.GetValue(Position));
        if (name == EventRelay.ReaderName)
            throw new CommandException(
                "The relay is not rewound: the topics themselves say how far the relay is. "
                + "Use `eventstream store replay`.");
        if ((await tool.Readers.GenerationsAsync(cancellation)).Any(g => g.Name == name))
            throw new CommandException($"'{name}' is a projection: its rows would count events twice. Use "
                + $"`eventstream store rebuild {name}`.");
        if (await tool.Readers.RewindAsync(name, position, cancellation) == 0)
            throw new CommandException(
                $"There is no paused reader '{name}': `eventstream store pause` makes one rest.");
        System.Console.WriteLine($"{name} handles events after position {Number(position)} again, once it is resumed");
        return 0;
    }

    private static async Task<int> EraseAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var known = await tool.Services.Store.ForTenant(parsed.GetValue(Tenant)!)
            .EraseSubjectAsync(parsed.GetValue(Subject)!, cancellation);
        System.Console.WriteLine(known
            ? "The person is erased. Running processes may read what they hold for 30 seconds more; then rebuild the "
                + "projections that show persons (`eventstream store rebuild`)."
            : "Nothing was known of the person.");
        return 0;
    }

    private static int Moved(ParseResult parsed, int checkpoints, string what)
    {
        var name = parsed.GetValue(Reader)!;
        if (checkpoints == 0)
            throw new CommandException($"There is no reader '{name}': `eventstream store status` lists them.");
        System.Console.WriteLine($"{name} {what}");
        return 0;
    }

    private static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>Tells progress on standard error, at most once a second, and what was reported last.</summary>
    private sealed class Told<T>(Func<T, string> say) : IProgress<T>
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
        private long last;
        private string? untold;

        public void Report(T value)
        {
            untold = say(value);
            if (last == 0 || TimeProvider.System.GetElapsedTime(last) >= Interval) Tell();
        }

        /// <summary>Tells what was held back.</summary>
        public void End()
        {
            if (untold is not null) Tell();
        }

        private void Tell()
        {
            System.Console.Error.WriteLine(untold);
            last = TimeProvider.System.GetTimestamp();
            untold = null;
        }
    }
}
