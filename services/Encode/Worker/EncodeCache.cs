using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Packaging;
using EventStream.Media;
using EventStream.Media.Text;
using EventStream.Processes;

namespace EventStream.Encode.Worker;

/// <summary>
/// What was made of a source before, by the checksum of the source, the recipe and the versions of the tools: the same
/// file again is copied and not encoded. An entry names the last video that got the files; it serves as long as they
/// are there, so that it takes no room of its own and a video that is deleted takes its entries along.
/// </summary>
public sealed class EncodeCache(IMediaStore media, ProgramRunner programs, EncodeTools tools, EncodeOptions options)
{
    /// <summary>Entries of each of the <see cref="Shards"/>; when one more is noted, the oldest is removed.</summary>
    public const int EntriesOfShardMax = 64;

    /// <summary>By the first two digits of the key.</summary>
    public const int Shards = 256;

    private const int Sha256Digits = 64;
    private static readonly string[] OfOneVideo =
    [
        "videoId",
        "sourceKey",
        "outputPrefix",
        "requestedAt",
        "attempt",
        "isFirst",
    ];
    private readonly SemaphoreSlim reading = new(1);
    private string? versions;

    /// <summary>
    /// What came of the same work on another video, now copied to this one; null where there is none. Throws
    /// <see cref="IOException"/>.
    /// </summary>
    public async Task<IEvent?> FindAsync(ICommand command, TaskReporter reporter, CancellationToken cancellation)
    {
        if (await KeyAsync(command, cancellation) is not { } key)
            return null;
        var begun = reporter.Now;
        try
        {
            using var text = new StreamReader(await media.OpenReadAsync(key, cancellation), Encoding.UTF8);
            var parts = (await text.ReadToEndAsync(cancellation)).Split('\n', 3);
            if (parts.Length != 3 || !VideoId.TryParse(parts[0], null, out var other) || other == reporter.Video)
                return null;
            var json = parts[2].Replace(other.ToString(), reporter.Video.ToString(), StringComparison.Ordinal);
            var outcome = Now(JsonNode.Parse(json)!.AsObject(), reporter, begun);
            if (MessageTypes.Read(parts[1], Encoding.UTF8.GetBytes(outcome.ToJsonString())) is not IEvent found)
                return null;
            await CopyAsync(command, found, other, reporter.Video, cancellation);
            // The same rung may be the first one of this video and was not of the other.
            return found is ChunkEncoded chunk && command is EncodeRung { IsFirst: var first }
                ? chunk with
                {
                    IsFirst = first is true,
                }
                : found;
        }
        catch (Exception e)
            when (e is MediaNotFoundException or UnknownMessageException or System.Text.Json.JsonException)
        {
            // The other video is gone, or its entry is of another program: the work is done again.
            return null;
        }
    }

    /// <summary>Notes what came of a command, and removes the oldest entry where there are too many.</summary>
    public async Task NoteAsync(ICommand command, IEvent outcome, CancellationToken cancellation)
    {
        if (outcome is SourceRejected || await KeyAsync(command, cancellation) is not { } key)
            return;
        var text = string.Join(
            '\n',
            EncodeTasks.Of(command).Video,
            MessageTypes.NameOf(outcome.GetType()),
            Encoding.UTF8.GetString(MessageTypes.Write(outcome))
        );
        await media.WriteAsync(key, new MemoryStream(Encoding.UTF8.GetBytes(text)), cancellation);
        var entries = new List<string>();
        await foreach (var entry in media.ListAsync(key[..key.LastIndexOf('/')], cancellation))
            entries.Add(entry);
        if (entries.Count <= EntriesOfShardMax)
            return;
        var written = new List<(string Key, DateTimeOffset At)>();
        foreach (var entry in entries)
            written.Add((entry, (await media.StatAsync(entry, cancellation))?.WrittenAt ?? DateTimeOffset.MinValue));
        foreach (var (old, _) in written.OrderBy(entry => entry.At).Take(entries.Count - EntriesOfShardMax))
            await media.DeleteAsync(old, cancellation);
    }

    /// <summary>The outcome as that of this worker, now.</summary>
    private static JsonObject Now(JsonObject outcome, TaskReporter reporter, DateTimeOffset begun)
    {
        foreach (var name in outcome.Select(member => member.Key).ToList())
        {
            if (name == "worker")
                outcome[name] = reporter.Worker;
            else if (name.EndsWith("At", StringComparison.Ordinal))
                outcome[name] = reporter.Now;
            else if (name.EndsWith("Seconds", StringComparison.Ordinal))
                outcome[name] = (reporter.Now - begun).TotalSeconds;
        }

        return outcome;
    }

    /// <summary>Copies the files of an outcome. Throws <see cref="MediaNotFoundException"/> if one is gone.</summary>
    private async Task CopyAsync(
        ICommand command,
        IEvent found,
        VideoId from,
        VideoId to,
        CancellationToken cancellation
    )
    {
        foreach (var key in FilesOf(command, found))
        {
            var other = key.Replace(to.ToString(), from.ToString(), StringComparison.Ordinal);
            // A segment is small, and a store may not read while it writes.
            using var content = new MemoryStream();
            await using (var stored = await media.OpenReadAsync(other, cancellation))
                await stored.CopyToAsync(content, cancellation);
            content.Position = 0;
            await media.WriteAsync(key, content, cancellation);
        }
    }

    /// <summary>The keys of the files of an outcome, the ones that others hang on last.</summary>
    private static IEnumerable<string> FilesOf(ICommand command, IEvent outcome) =>
        outcome switch
        {
            ChunkEncoded e when command is EncodeRung { Chunk: { } chunk } => ChunkWork.FilesOf(e, chunk),
            RenditionEncoded e => e.All().SelectMany(FilesOf),
            SubtitlesMade e => e.Texts.Where(text => text.SegmentDurationsSeconds.Count > 0).SelectMany(FilesOf),
            ThumbnailsMade e => [e.Thumbnails.PosterKey, e.Thumbnails.SpriteKey, e.Thumbnails.IndexKey],
            _ => [],
        };

    private static IEnumerable<string> FilesOf(Rendition made)
    {
        var isText = made.Kind == Rendition.Text;
        var segments = Enumerable.Range(1, made.SegmentDurationsSeconds.Count);
        IEnumerable<string> names =
        [
            isText ? WebVtt.WholeName : MediaPlaylist.InitName,
            .. segments.Select(n => isText ? WebVtt.SegmentName(n) : MediaPlaylist.SegmentName(n)),
            .. made.KeyFrameBandwidthBps is null ? Enumerable.Empty<string>() : [KeyFramePlaylist.FileName],
            MediaPlaylist.FileName,
        ];
        return names.Select(name => $"{made.Prefix}/{name}");
    }

    /// <summary>The key of an entry; null where the source's checksum is not known, or nothing is to be kept.</summary>
    private async Task<string?> KeyAsync(ICommand command, CancellationToken cancellation)
    {
        if (!options.Cache || Checksum(command) is not { Length: Sha256Digits })
            return null;
        var recipe = JsonNode.Parse(MessageTypes.Write(command))!.AsObject();
        foreach (var name in OfOneVideo)
            recipe.Remove(name);
        var text = $"{recipe.ToJsonString()}\n{options.Preset}\n{await VersionsAsync(cancellation)}";
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        return $"encode/cache/{digest[..2]}/{digest}";
    }

    private static string? Checksum(ICommand command) =>
        command switch
        {
            ProbeSource c => c.Sha256,
            EncodeRung c => c.Source.Sha256,
            EncodeHighRange c => c.Source.Sha256,
            EncodeLadder c => c.Source.Sha256,
            EncodeAudio c => c.Source.Sha256,
            MakeThumbnails c => c.Source.Sha256,
            MakeSubtitles c => c.Source.Sha256,
            AnalyseSource c => c.Source.Sha256,
            MeasureQuality c => c.Source.Sha256,
            _ => null,
        };

    /// <summary>What the tools say of themselves, and the build of the recipes: others make other files.</summary>
    private async Task<string> VersionsAsync(CancellationToken cancellation)
    {
        await reading.WaitAsync(cancellation);
        try
        {
            if (versions is not null)
                return versions;
            var lines = new List<string> { typeof(EncodeCache).Module.ModuleVersionId.ToString() };
            await programs.RunAsync(tools.Ffmpeg, ["-version"], lines.Add, cancellation);
            await programs.RunAsync(tools.Packager, ["--version"], lines.Add, cancellation);
            lines.AddRange(await EncoderCheck.LibrariesAsync(tools.Ffmpeg, programs, cancellation));
            return versions = string.Join('\n', lines);
        }
        finally
        {
            reading.Release();
        }
    }
}

/// <summary>The programs whose versions decide what comes of a recipe: their paths.</summary>
public sealed record EncodeTools(string Ffmpeg, string Packager);
