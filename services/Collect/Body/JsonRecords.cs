using System.Text;
using System.Text.Json;

namespace EventStream.Collect.Body;

/// <summary>
/// The records of a body of type application/json: an array, as Vector and Fluent Bit send it, or one value.
/// </summary>
internal static class JsonRecords
{
    /// <summary>
    /// The elements of the array, or the value itself, each as JSON on one line; null where the body is no single JSON
    /// value, as lines of JSON are not.
    /// </summary>
    public static List<string>? TryRead(MemoryStream body, Encoding encoding)
    {
        try
        {
            using var reader = new StreamReader(body, encoding, leaveOpen: true);
            using var document = JsonDocument.Parse(reader.ReadToEnd());
            return document.RootElement.ValueKind == JsonValueKind.Array
                ? [.. document.RootElement.EnumerateArray().Select(element => element.GetRawText())]
                : [document.RootElement.GetRawText()];
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
