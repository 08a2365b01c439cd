using System.Diagnostics;
using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// The CloudEvents Kafka binary binding: attributes in <c>ce_*</c> headers, the value is the data, and the W3C
/// <c>traceparent</c> header of the Distributed Tracing extension.
/// </summary>
public static class CloudEvents
{
    public const string SpecVersion = "ce_specversion";
    public const string Type = "ce_type";
    public const string Source = "ce_source";
    public const string Id = "ce_id";
    public const string Time = "ce_time";
    public const string ContentType = "content-type";
    public const string TraceParent = "traceparent";

    /// <summary>The value of <see cref="SpecVersion"/>.</summary>
    public const string SpecVersionValue = "1.0";

    /// <summary>The value of <see cref="ContentType"/>.</summary>
    public const string JsonContentType = "application/json";

    // A header is immutable, so that one instance serves every record.
    private static readonly Header VersionHeader = new(SpecVersion, Encoding.UTF8.GetBytes(SpecVersionValue));
    private static readonly Header JsonHeader = new(ContentType, Encoding.UTF8.GetBytes(JsonContentType));

    /// <summary>
    /// Headers of one event. <paramref name="time"/> is the event's own time; a null trace parent is left out.
    /// </summary>
    public static Headers Headers(string type, string source, string id, DateTimeOffset time, string? traceParent) =>
        Headers(
            new Header(Type, Encoding.UTF8.GetBytes(type)),
            new Header(Source, Encoding.UTF8.GetBytes(source)),
            Encoding.UTF8.GetBytes(id),
            time,
            traceParent
        );

    /// <summary>The text of a header, or null where it is absent.</summary>
    public static string? Text(Headers? headers, string name) =>
        headers is not null && headers.TryGetLastBytes(name, out var bytes) && bytes is not null
            ? Encoding.UTF8.GetString(bytes)
            : null;

    /// <summary>The trace context in a record's headers, or none.</summary>
    public static ActivityContext TraceContext(Headers? headers) =>
        ActivityContext.TryParse(Text(headers, TraceParent), null, isRemote: true, out var context) ? context : default;

    /// <summary>The W3C form of the current span, or null where nothing is traced.</summary>
    public static string? CurrentTraceParent() =>
        Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? activity.Id : null;

    /// <summary>The same from parts that are encoded once for many records.</summary>
    internal static Headers Headers(Header type, Header source, byte[] id, DateTimeOffset time, string? traceParent)
    {
        var headers = new Headers { VersionHeader, type, source, { Id, id }, { Time, TimeBytes(time) }, JsonHeader };
        if (traceParent is not null)
            headers.Add(TraceParent, Encoding.UTF8.GetBytes(traceParent));
        return headers;
    }

    private static byte[] TimeBytes(DateTimeOffset time)
    {
        Span<byte> text = stackalloc byte[33];
        time.TryFormat(text, out var length, "O", CultureInfo.InvariantCulture);
        return text[..length].ToArray();
    }
}
