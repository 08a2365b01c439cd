using System.Text;
using EventStream.Contracts;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload.Tus;

/// <summary>
/// The <c>Upload-Metadata</c> header: pairs of key and base64, joined by commas. Known keys are <c>filename</c>,
/// <c>title</c>, <c>filetype</c>, <c>sha256</c> (of the whole file, in hex) and <c>replaces</c> (the video whose place
/// the file is to take); others are kept and given back.
/// <see cref="Header"/> is written from what was read, so that it may go into a response.
/// </summary>
internal sealed record TusMetadata(string Header, string FileName, string? Title, string? Sha256)
{
    /// <summary>The video whose place the file is to take; null for a video of its own.</summary>
    public VideoId? Replaces { get; init; }

    /// <summary>Longest header, in characters.</summary>
    private const int LengthMax = 8 * 1024;

    private const int FileNameMax = 255;
    private const string Unnamed = "untitled";

    /// <summary>
    /// Reads the header. Throws <see cref="UploadProblemException"/> (400) naming the key that is wrong.
    /// </summary>
    public static TusMetadata Parse(string header)
    {
        if (header.Length > LengthMax)
            throw Bad($"It is longer than {LengthMax} characters.");
        var pairs = string.IsNullOrWhiteSpace(header) ? [] : header.Split(',').Select(Pair).ToList();
        var values = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var (key, value) in pairs)
        {
            if (!values.TryAdd(key, value))
                throw Bad($"The key '{key}' is there twice.");
        }

        var sha256 = Text(values, "sha256", 64)?.ToLowerInvariant();
        if (sha256 is not null && !UploadOptions.IsSha256(sha256))
            throw Bad("'sha256' must be 64 hex digits.");
        Text(values, "filetype", FileNameMax);
        VideoId? replaces =
            Text(values, "replaces", FileNameMax) is not { } id ? null
            : VideoId.TryParse(id, null, out var video) ? video
            : throw Bad($"'replaces' must be the id of a video; it is '{id}'.");
        return new TusMetadata(
            string.Join(',', pairs.Select(Write)),
            Text(values, "filename", FileNameMax) ?? Unnamed,
            Text(values, "title", VideoTitle.LengthMax),
            sha256
        )
        {
            Replaces = replaces,
        };
    }

    /// <summary>
    /// The same with a file name, where it has none. Throws <see cref="UploadProblemException"/> (400).
    /// </summary>
    public TusMetadata Named(string name)
    {
        if (FileName != Unnamed || name.Length == 0)
            return this;
        var pair = $"filename {Convert.ToBase64String(Encoding.UTF8.GetBytes(name))}";
        return Parse(Header.Length == 0 ? pair : $"{Header},{pair}");
    }

    private static KeyValuePair<string, byte[]> Pair(string pair)
    {
        var parts = pair.Trim().Split(' ', 2, StringSplitOptions.TrimEntries);
        // What is not ASCII cannot go into a header, and what cannot be seen does not belong into a message.
        if (parts[0].Length == 0 || !parts[0].All(c => c is > ' ' and <= '~'))
            throw Bad("A key is empty or has other characters than visible ASCII; the value may hold any UTF-8 text.");
        try
        {
            return new(parts[0], parts.Length == 2 ? Convert.FromBase64String(parts[1]) : []);
        }
        catch (FormatException)
        {
            throw Bad($"The value of '{parts[0]}' must be base64.");
        }
    }

    private static string Write(KeyValuePair<string, byte[]> pair) =>
        pair.Value.Length == 0 ? pair.Key : $"{pair.Key} {Convert.ToBase64String(pair.Value)}";

    private static string? Text(Dictionary<string, byte[]> values, string key, int lengthMax)
    {
        if (!values.TryGetValue(key, out var bytes))
            return null;
        string value;
        try
        {
            value = new UTF8Encoding(false, true).GetString(bytes).Trim();
        }
        catch (DecoderFallbackException)
        {
            throw Bad($"The value of '{key}' must be base64 of UTF-8 text.");
        }

        if (value.Length == 0)
            return null;
        if (value.Length > lengthMax)
            throw Bad($"'{key}' is longer than {lengthMax} characters.");
        return value.Any(char.IsControl) ? throw Bad($"'{key}' has control characters.") : value;
    }

    private static UploadProblemException Bad(string detail) =>
        new(StatusCodes.Status400BadRequest, "Upload-Metadata cannot be used", detail);
}
