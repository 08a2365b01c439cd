using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventStream.Collect.Cmcd;
using EventStream.Contracts;

namespace EventStream.Collect.CdnLogs;

/// <summary>
/// One line of the edge's access log as nginx writes it; times in seconds. The fields are those of docs/edge-log.md.
/// </summary>
internal sealed record AccessLogLine
{
    [JsonPropertyName("time")] public double? Time { get; init; }
    [JsonPropertyName("edge")] public string? Edge { get; init; }
    [JsonPropertyName("region")] public string? Region { get; init; }
    [JsonPropertyName("method")] public string? Method { get; init; }
    [JsonPropertyName("uri")] public string? Uri { get; init; }
    [JsonPropertyName("args")] public string? Args { get; init; }
    [JsonPropertyName("status")] public int? Status { get; init; }
    [JsonPropertyName("bytes")] public long? Bytes { get; init; }
    [JsonPropertyName("duration")] public double? Duration { get; init; }
    [JsonPropertyName("upstream")] public string? Upstream { get; init; }
    [JsonPropertyName("cache")] public string? Cache { get; init; }
    [JsonPropertyName("ua")] public string? UserAgent { get; init; }
    [JsonPropertyName("req_id")] public string? RequestId { get; init; }
    [JsonPropertyName("session")] public string? Session { get; init; }
    [JsonPropertyName("cmcd_object")] public string? CmcdObject { get; init; }
    [JsonPropertyName("cmcd_request")] public string? CmcdRequest { get; init; }
    [JsonPropertyName("cmcd_session")] public string? CmcdSession { get; init; }
    [JsonPropertyName("cmcd_status")] public string? CmcdStatus { get; init; }
}

[JsonSourceGenerationOptions(NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(AccessLogLine))]
internal sealed partial class AccessLogJson : JsonSerializerContext;

/// <summary>
/// Turns lines of the edges' access log into requests, with session and video named where the line tells them.
/// </summary>
public sealed class AccessLogReader
{
    /// <summary>Reads one line, or says in <paramref name="error"/> what is wrong with it.</summary>
    public CdnRequestServed? TryRead(string line, out string? error)
    {
        try
        {
            var log = JsonSerializer.Deserialize(line, AccessLogJson.Default.AccessLogLine)
                ?? throw new FormatException("the line is null");
            error = null;
            return Convert(log);
        }
        catch (Exception e) when (e is JsonException or FormatException or OverflowException)
        {
            error = $"not a line of the edge's access log: {e.Message}";
            return null;
        }
    }

    private static CdnRequestServed Convert(AccessLogLine log)
    {
        var cmcd = Cmcd(log);
        var record = cmcd.Length == 0 ? null : CmcdParser.TryParse(cmcd, out _);
        var path = (log.Uri ?? throw new FormatException("'uri' is missing")).Split('?')[0];
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var isMedia = parts.Length >= 3 && parts[0] == "media" && VideoId.TryParse(parts[1], null, out _);
        var signed = Guid.TryParseExact(log.Session, "D", out var session);
        return new CdnRequestServed
        {
            Time = DateTimeOffset.FromUnixTimeMilliseconds((long)Math.Round(Needed(log.Time, "time") * 1000)),
            Edge = log.Edge ?? throw new FormatException("'edge' is missing"),
            Region = log.Region ?? "",
            SessionId = signed ? $"{session:D}"
                : record?.Text("sid") is { Length: > 0 and <= BeaconReader.SessionIdMax } sid ? sid : null,
            VideoId = isMedia ? parts[1] : null,
            Rendition = isMedia && parts.Length > 3 ? parts[2] : "",
            Method = log.Method ?? "",
            Path = path,
            Status = (int)Needed(log.Status, "status"),
            Bytes = log.Bytes ?? 0,
            DurationMs = (log.Duration ?? 0) * 1000,
            UpstreamMs = LastSeconds(log.Upstream) * 1000,
            CacheStatus = log.Cache ?? "",
            UserAgent = log.UserAgent ?? "",
            Cmcd = cmcd,
            RequestId = log.RequestId ?? "",
            Signed = signed,
        };
    }

    /// <summary>Where a CMCD header is present the query argument is ignored, as CTA-5004-B asks.</summary>
    private static string Cmcd(AccessLogLine log)
    {
        string?[] headers = [log.CmcdObject, log.CmcdRequest, log.CmcdSession, log.CmcdStatus];
        var present = headers.Where(header => !string.IsNullOrEmpty(header) && header != "-").ToList();
        if (present.Count > 0) return string.Join(',', present);
        foreach (var argument in (log.Args ?? "").Split('&'))
        {
            if (!argument.StartsWith("CMCD=", StringComparison.Ordinal)) continue;
            return Uri.UnescapeDataString(argument[5..].Replace('+', ' '));
        }

        return "";
    }

    private static double Needed(double? value, string field) =>
        value ?? throw new FormatException($"'{field}' is missing");

    /// <summary>nginx lists a time for each upstream that was asked; the last one answered.</summary>
    private static double? LastSeconds(string? text)
    {
        var last = (text ?? "").Split(',', ':')[^1].Trim();
        return double.TryParse(last, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) ? seconds
            : null;
    }
}
