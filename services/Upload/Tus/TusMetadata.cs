using System.Text;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload.Tus;

/// <summary>
/// The <c>Upload-Metadata</c> header: pairs of key and base64, joined by commas. Known keys are <c>filename</c>,
/// <c>title</c>, <c>filetype</c> and <c>sha256</c> (of the whole file, in hex); others are kept and given back.
/// </summary>
internal sealed record TusMetadata(string Raw, string FileName, string Title, string? FileType, string? Sha256)
{
    /// <summary>Longest header, in characters; it is stored as it is.</summary>
    private const int LengthMax = 8 * 1024;

    private const int TitleMax = 200;
    private const int FileNameMax = 255;

    /// <summary>
    /// Reads the header. Throws <see cref="UploadProblemException"/> (400) naming the key that is wrong.
    /// </summary>
    public static TusMetadata Parse(string header)
    {
        if (header.Length > LengthMax) throw Bad($"It is longer than {LengthMax} characters.");
        var values = header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(Pair).GroupBy(pair => pair.Key).ToDictionary(pairs => pairs.Key, pairs => pairs.First().Value);
        var fileName = Text(values, "filename", FileNameMax) ?? "untitled";
        var title = Text(values, "title", TitleMax) ?? Path.GetFileNameWithoutExtension(fileName);
        var sha256 = Text(values, "sha256", 64)?.ToLowerInvariant();
        if (sha256 is not null && !UploadOptions.IsSha256(sha256)) throw Bad("'sha256' must be 64 hex digits.");
        return new TusMetadata(header, fileName, title, Text(values, "filetype", FileNameMax), sha256);
    }

    private static KeyValuePair<string, string> Pair(string pair)
    {
        var parts = pair.Split(' ', 2, StringSplitOptions.TrimEntries);
        try
        {
            var bytes = parts.Length == 2 ? Convert.FromBase64String(parts[1]) : [];
            return new(parts[0], new UTF8Encoding(false, true).GetString(bytes));
        }
        catch (Exception e) when (e is FormatException or DecoderFallbackException)
        {
            throw Bad($"The value of '{parts[0]}' must be base64 of UTF-8 text.");
        }
    }

    private static string? Text(Dictionary<string, string> values, string key, int lengthMax)
    {
        if (!values.TryGetValue(key, out var value) || string.IsNullOrWhiteSpace(value)) return null;
        value = value.Trim();
        if (value.Length > lengthMax) throw Bad($"'{key}' is longer than {lengthMax} characters.");
        return value.Any(char.IsControl) ? throw Bad($"'{key}' has control characters.") : value;
    }

    private static UploadProblemException Bad(string detail) =>
        new(StatusCodes.Status400BadRequest, "Upload-Metadata cannot be used", detail);
}
