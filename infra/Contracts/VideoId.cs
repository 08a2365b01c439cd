using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStream.Contracts;

/// <summary>
/// The id of a video: a version 7 UUID, written in lower case with hyphens. It is the key of its stream and topic.
/// </summary>
[JsonConverter(typeof(VideoIdConverter))]
public readonly record struct VideoId(Guid Value) : IParsable<VideoId>
{
    /// <summary>Draws a new id whose first bits are <paramref name="now"/>, so that ids sort by creation.</summary>
    public static VideoId New(DateTimeOffset now) => new(Guid.CreateVersion7(now));

    /// <summary>Reads an id. Throws <see cref="FormatException"/> when the text is not a UUID.</summary>
    public static VideoId Parse(string s) => new(Guid.ParseExact(s, "D"));

    public static VideoId Parse(string s, IFormatProvider? provider) => Parse(s);

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out VideoId result)
    {
        var ok = Guid.TryParseExact(s, "D", out var value);
        result = new VideoId(value);
        return ok;
    }

    public override string ToString() => Value.ToString("D");
}

/// <summary>Writes an id as its text. Public for the serializers that other rooms generate.</summary>
public sealed class VideoIdConverter : JsonConverter<VideoId>
{
    public override VideoId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        new(reader.GetGuid());

    public override void Write(Utf8JsonWriter writer, VideoId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
