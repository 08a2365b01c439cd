using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload;

/// <summary>Reads small JSON bodies, at most <see cref="BytesMax"/>.</summary>
internal static class JsonBody
{
    public const int BytesMax = 16 * 1024;

    /// <summary>
    /// The body of a request; <paramref name="example"/> is part of the advice. Throws
    /// <see cref="UploadProblemException"/> (400).
    /// </summary>
    public static async Task<T> ReadAsync<T>(HttpRequest request, string example, CancellationToken cancellation)
        where T : class
    {
        var buffer = new byte[BytesMax + 1];
        var length = await request.Body.ReadAtLeastAsync(buffer, buffer.Length, false, cancellation);
        if (length > BytesMax)
            throw Bad($"It is larger than {BytesMax} bytes.");
        try
        {
            return JsonSerializer.Deserialize<T>(buffer.AsSpan(0, length), JsonSerializerOptions.Web)
                ?? throw Bad($"It is null; send {example}.");
        }
        catch (JsonException e)
        {
            throw Bad($"It is not the JSON that is asked for: {e.Message} Send {example}.");
        }
    }

    private static UploadProblemException Bad(string detail) =>
        new(StatusCodes.Status400BadRequest, "The body cannot be read", detail);
}
