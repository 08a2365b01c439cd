using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// A multipart body, in which drivers send the statement and long parameters. External tables are refused.
/// </summary>
internal static class FormBody
{
    private const int PartsMax = 1000,
        PartBytesMax = 16 << 20;

    /// <summary>
    /// The parts by name, or null when the body is no form. The request's body is without its coding by now. Throws
    /// <see cref="ClickHouseException"/>.
    /// </summary>
    public static async Task<IFormCollection?> ReadAsync(
        HttpRequest http,
        EmbeddedOptions options,
        CancellationToken cancellation
    )
    {
        if (http.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) != true)
            return null;
        var limits = new FormOptions
        {
            BufferBody = true,
            BufferBodyLengthLimit = options.BodyBytesMax,
            MemoryBufferThreshold = PartBytesMax,
            MultipartBodyLengthLimit = PartBytesMax,
            ValueCountLimit = PartsMax,
            ValueLengthLimit = PartBytesMax,
        };
        IFormCollection form;
        try
        {
            form = await http.ReadFormAsync(limits, cancellation);
        }
        catch (Exception e) when (e is InvalidDataException || (e is IOException and not BadHttpRequestException))
        {
            throw new ClickHouseException(
                ClickHouseError.BadArguments,
                $"The multipart body cannot be read: {e.Message} It may have {PartsMax} parts of {PartBytesMax} bytes, "
                    + $"and {options.BodyBytesMax} bytes in all."
            );
        }

        return form.Files is [var table, ..]
            ? throw new ClickHouseException(
                ClickHouseError.NotImplemented,
                $"The embedded engine takes no external table ('{table.Name}'); insert it into a temporary table."
            )
            : form;
    }
}
