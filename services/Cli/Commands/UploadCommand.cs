using System.CommandLine;
using System.Text.Json;
using EventStream.Cli.Commands.Store;
using EventStream.Cli.Uploads;

namespace EventStream.Cli.Commands;

/// <summary>
/// <c>eventstream upload FILE...</c>: sends files, with progress on standard error, and prints the id of each video.
/// The same command again goes on where it was interrupted. Exit code 1 where one file was not sent, or did not become
/// a video.
/// </summary>
internal static class UploadCommand
{
    private const double Mebibyte = 1 << 20;

    private static readonly Argument<string[]> Files = new("file")
    {
        Description = "Files to upload, one after the other.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Option<string?> Url = CommandLine.Optional<string?>(
        "--url",
        $"Address of the upload role; {UploadTarget.UrlVariable}, or the platform of --data, where none is named. The "
            + $"key is in {UploadTarget.KeyVariable}, or in the data folder.",
        "URL"
    );

    private static readonly Option<string?> Title = CommandLine.Optional<string?>(
        "--title",
        "Title of the video; that of its file where none is named. For one file only.",
        "TEXT"
    );

    private static readonly Option<string?> Replaces = CommandLine.Optional<string?>(
        "--replaces",
        "Id of a video whose place the file takes once it is published. For one file only.",
        "VIDEO"
    );

    private static readonly Option<int> ChunkMiB = CommandLine.Defaulted(
        "--chunk-mib",
        "MiB of a request at most, for proxies that bound it.",
        256
    );

    private static readonly Option<bool> Wait = CommandLine.Optional<bool>(
        "--wait",
        "Wait until each video is published, and fail where one is not."
    );

    public static Command Build() =>
        CommandLine.Verb(
            "upload",
            "Upload files, with progress; the same command again goes on where it was interrupted.",
            [Files, UpCommand.Data, Url, Title, Replaces, ChunkMiB, Wait],
            RunAsync
        );

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var (files, title, replaces) = (parsed.GetValue(Files)!, parsed.GetValue(Title), parsed.GetValue(Replaces));
        if (files.Length > 1 && (title ?? replaces) is not null)
            throw new CommandException(
                $"{(title is null ? Replaces.Name : Title.Name)} is for one file; upload the others by commands of "
                    + "their own."
            );
        if (parsed.GetValue(ChunkMiB) is < 1 or > 1 << 20)
            throw new CommandException("--chunk-mib must be from 1 to 1048576.");
        if (Array.Find(files, file => !File.Exists(file)) is { } missing)
            throw new CommandException($"The file '{missing}' does not exist.");
        var target = UploadTarget.Find(parsed.GetValue(Url), parsed.GetValue(UpCommand.Data)!);
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        var upload = new FileUpload(http, target, (long)parsed.GetValue(ChunkMiB) << 20, TimeProvider.System);
        var watch = parsed.GetValue(Wait) ? new PublicationWatch(http, target, TimeProvider.System) : null;
        var failed = 0;
        foreach (var file in files)
        {
            try
            {
                failed += await SendAsync(new(new FileInfo(file), title, replaces), upload, watch, cancellation)
                    ? 0
                    : 1;
            }
            catch (Exception e) when (e is CommandException or IOException or UnauthorizedAccessException)
            {
                await System.Console.Error.WriteLineAsync($"{file}: {e.Message}");
                failed++;
            }
        }

        return failed == 0 ? 0 : CommandLine.Failure;
    }

    private static async Task<bool> SendAsync(
        FileToSend what,
        FileUpload upload,
        PublicationWatch? watch,
        CancellationToken cancellation
    )
    {
        var name = what.File.Name;
        var progress = new ConsoleProgress<UploadProgress>(at => $"{name}: {Words(at)}");
        var id = await upload.SendAsync(what, progress, cancellation);
        System.Console.WriteLine($"{id}  {name}");
        if (watch is null)
            return true;
        var last = await watch.UntilEndAsync(
            id,
            at => System.Console.Error.WriteLine($"{name}: {StatusOf(at)}, {Percent(at)} encoded"),
            cancellation
        );
        if (StatusOf(last) == "published")
            return true;
        throw new CommandException($"The video is {StatusOf(last)}. {Text(last, "problem")} {Text(last, "remedy")}");
    }

    private static string Words(UploadProgress at)
    {
        var sent = at.SentBytes - at.BeganAtBytes;
        var rate = at.Elapsed > TimeSpan.Zero ? sent / at.Elapsed.TotalSeconds : 0;
        var words = string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{at.SentBytes / Mebibyte:0.0} of {at.SizeBytes / Mebibyte:0.0} MiB, {rate / Mebibyte:0.0} MiB/s"
        );
        return rate > 0 && at.SentBytes < at.SizeBytes
            ? $"{words}, {TimeSpan.FromSeconds(Math.Ceiling((at.SizeBytes - at.SentBytes) / rate)):c} left"
            : words;
    }

    private static string StatusOf(JsonElement progress) => Text(progress, "status");

    private static string Percent(JsonElement progress) =>
        $"{Math.Floor(progress.GetProperty("encodedFraction").GetDouble() * 100):0} %";

    private static string Text(JsonElement progress, string name) =>
        progress.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";
}
