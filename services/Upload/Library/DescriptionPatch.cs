using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload.Library;

/// <summary>
/// The body of a change to a video, as the OpenAPI document shows it: what is left out stays, and null takes away. A
/// video whose title is taken away is called after its file.
/// </summary>
public sealed record VideoPatch(
    string? Title,
    IReadOnlyList<string>? Tags,
    IReadOnlyDictionary<string, string?>? Metadata
);

/// <summary>A JSON merge patch (RFC 7396) of a video's description.</summary>
public sealed class DescriptionPatch
{
    public const string ContentType = "application/merge-patch+json";

    /// <summary>Longest body, in bytes: room for every entry at its longest.</summary>
    public const int BytesMax = 256 * 1024;

    private readonly JsonElement patch;

    private DescriptionPatch(JsonElement patch) => this.patch = patch;

    /// <summary>Reads a body. Throws <see cref="UploadProblemException"/> (400, 413).</summary>
    public static async Task<DescriptionPatch> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        var buffer = new byte[BytesMax + 1];
        var length = await request.Body.ReadAtLeastAsync(buffer, buffer.Length, false, cancellation);
        if (length > BytesMax)
            throw new UploadProblemException(
                StatusCodes.Status413PayloadTooLarge,
                "The body is too large",
                $"A change of a video has at most {BytesMax} bytes."
            );
        try
        {
            return Read(JsonElement.Parse(buffer.AsSpan(0, length)));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Bad($"The body is not JSON: {e.Message} Send {{\"title\": \"...\"}}.");
        }
    }

    /// <summary>
    /// What is said of a video after the patch. Throws <see cref="UploadProblemException"/> (400) for what nobody can
    /// say of a video.
    /// </summary>
    public VideoDescription Apply(Video video)
    {
        try
        {
            var after = new VideoDescription(TitleAfter(video), TagsAfter(video), MetadataAfter(video));
            return after.Fault() is { } fault ? throw Bad(fault) : after;
        }
        catch (InvalidOperationException)
        {
            // What escapes half of a character is JSON, and cannot be read as text.
            throw Bad("The body escapes half of a character, which is no text.");
        }
    }

    private static DescriptionPatch Read(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw Bad("The body must be a JSON object with 'title', 'tags' or 'metadata'.");
        foreach (var member in json.EnumerateObject())
        {
            if (member.Name is not ("title" or "tags" or "metadata"))
                throw Bad($"'{member.Name}' cannot be changed; 'title', 'tags' and 'metadata' can.");
        }

        return new DescriptionPatch(json);
    }

    private string TitleAfter(Video video)
    {
        if (!patch.TryGetProperty("title", out var title))
            return video.Title;
        if (title.ValueKind == JsonValueKind.Null)
            return VideoTitle.Of(null, video.FileName, video.RegisteredAt);
        var text = Text(title, "title");
        if (text.Length > VideoTitle.LengthMax)
            throw Bad($"title: it has {text.Length} characters; keep it to {VideoTitle.LengthMax}.");
        return VideoTitle.Clean(text) ?? throw Bad("title: nothing of it can be seen; send letters, or null.");
    }

    /// <summary>Said twice, a tag counts once.</summary>
    private ImmutableArray<string> TagsAfter(Video video)
    {
        if (!patch.TryGetProperty("tags", out var tags))
            return video.Tags;
        if (tags.ValueKind == JsonValueKind.Null)
            return [];
        if (tags.ValueKind != JsonValueKind.Array)
            throw Bad("tags: send a list of texts, or null.");
        return [.. tags.EnumerateArray().Select(tag => Text(tag, "tags").Trim()).Distinct(StringComparer.Ordinal)];
    }

    private ImmutableSortedDictionary<string, string> MetadataAfter(Video video)
    {
        if (!patch.TryGetProperty("metadata", out var metadata))
            return video.Metadata;
        if (metadata.ValueKind == JsonValueKind.Null)
            return video.Metadata.Clear();
        if (metadata.ValueKind != JsonValueKind.Object)
            throw Bad("metadata: send an object of texts, or null.");
        var after = video.Metadata.ToBuilder();
        foreach (var entry in metadata.EnumerateObject())
        {
            if (entry.Value.ValueKind == JsonValueKind.Null)
                after.Remove(entry.Name);
            else
                after[entry.Name] = Text(entry.Value, $"metadata: '{entry.Name}'");
        }

        return after.ToImmutable();
    }

    private static string Text(JsonElement value, string name)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw Bad($"{name}: send a text.");
        return value.GetString()!;
    }

    private static UploadProblemException Bad(string detail) =>
        new(StatusCodes.Status400BadRequest, "The video cannot be described so", detail);
}
