using System.CommandLine;
using EventStream.EventStore.Relay;
using EventStream.EventStore.Tools;
using EventStream.Upload.Uploads;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Cli.Commands.Store;

/// <summary>The verbs that move events: replay, export, import, erase.</summary>
internal static class StoreEventVerbs
{
    public static async Task<int> ReplayAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var (after, upTo) = (parsed.GetValue(StoreCommand.After), parsed.GetValue(StoreCommand.UpTo));
        if (parsed.GetValue(StoreCommand.Stream) is null && after == 0 && upTo == long.MaxValue)
            throw new CommandException("Name what to replay: --stream, or a range by --service, --after and --up-to.");
        var (store, stream) = Chosen(tool, parsed);
        if (store.Service.Relay is null)
            throw new CommandException($"The events of '{store.Service.Name}' stay in its store: they have no topic.");
        var progress = new ConsoleProgress<long>(count => $"{StoreSchemaVerbs.Number(count)} events published");
        var published = await new StoreReplay(store, NullLogger<StoreReplay>.Instance).RunAsync(
            stream,
            after,
            upTo,
            progress,
            cancellation
        );
        System.Console.WriteLine($"{StoreSchemaVerbs.Number(published)} events are published again");
        return published == 0 ? CommandLine.Failure : 0;
    }

    public static async Task<int> ExportAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var (store, stream) = Chosen(tool, parsed);
        var (export, from) = (new StoreExport(store), parsed.GetValue(StoreCommand.After));
        if (parsed.GetValue(StoreCommand.Out) is not { } path)
        {
            await using var output = new BufferedStream(System.Console.OpenStandardOutput(), 1 << 16);
            await export.RunAsync(output, stream, from, null, cancellation);
            return 0;
        }

        await using var file = Open(path);
        from = Math.Max(from, await StoreExport.ResumeAsync(file, cancellation));
        var progress = new ConsoleProgress<long>(count => $"{StoreSchemaVerbs.Number(count)} events written");
        var written = await export.RunAsync(file, stream, from, progress, cancellation);
        System.Console.WriteLine($"{StoreSchemaVerbs.Number(written)} events written to {path}");
        return 0;
    }

    public static async Task<int> ImportAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var path = parsed.GetValue(StoreCommand.From)!;
        using var input = Read(path);
        var imports = tool.Of(null)
            .ToDictionary(
                store => store.Service.Category,
                store => new StoreImport(store, Progress(store.Service.Name)),
                StringComparer.Ordinal
            );
        foreach (var import in imports.Values)
            await import.BeginAsync(cancellation);
        await StoreLines.ImportAsync(input, imports, cancellation);
        foreach (var store in tool.Of(null))
        {
            var count = await imports[store.Service.Category].EndAsync(cancellation);
            System.Console.WriteLine(
                $"{store.Service.Name}: {StoreSchemaVerbs.Number(count.Imported)} events imported, "
                    + $"{StoreSchemaVerbs.Number(count.Present)} were there already"
            );
        }

        var uploads = await FormerUploads.CarryOverAsync(
            tool.Of("upload")[0].Source,
            tool.Postgres.FormerSchema,
            cancellation
        );
        if (uploads > 0)
            System.Console.WriteLine($"upload: {StoreSchemaVerbs.Number(uploads)} uploads carried over");
        return 0;
    }

    public static async Task<int> EraseAsync(StoreTool tool, ParseResult parsed, CancellationToken cancellation)
    {
        var known = false;
        foreach (var store in tool.Of(null))
            known |= await store.Personal.EraseAsync(parsed.GetValue(StoreCommand.Subject)!, cancellation);
        System.Console.WriteLine(
            known
                ? "The person is erased from events and read models. Running processes may read what they hold for 30 "
                    + "seconds more. Topics and exports keep what was written to them."
                : "Nothing was known of the person."
        );
        return 0;
    }

    /// <summary>The store that --stream or --service names, and the stream where one is named.</summary>
    private static (OpenStore Store, Guid? Stream) Chosen(StoreTool tool, ParseResult parsed)
    {
        if (parsed.GetValue(StoreCommand.Stream) is { } stream)
            return tool.OfStream(stream);
        if (parsed.GetValue(StoreCommand.Service) is not { } service)
            throw new CommandException(
                "Name the service whose events they are: "
                    + $"{string.Join(" or ", StoreTool.Services.Select(known => $"--service {known.Name}"))}."
            );
        return (tool.Of(service)[0], null);
    }

    private static ConsoleProgress<ImportedCount> Progress(string service) =>
        new(count =>
            $"{service}: {StoreSchemaVerbs.Number(count.Imported)} events imported, "
            + $"{StoreSchemaVerbs.Number(count.Present)} there already"
        );

    /// <summary>An export holds personal data, so that only its owner may read it.</summary>
    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(
                path,
                new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.Read,
                    BufferSize = 1 << 16,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                }
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"'{path}' cannot be written: {e.Message}", e);
        }
    }

    private static StreamReader Read(string path)
    {
        try
        {
            return new StreamReader(path == "-" ? System.Console.OpenStandardInput() : File.OpenRead(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandException($"'{path}' cannot be read: {e.Message}", e);
        }
    }
}
