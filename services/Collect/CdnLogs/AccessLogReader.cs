using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventStream.Collect.Cmcd;
using EventStream.Contracts;

namespace EventStream.Collect.CdnLogs;

/// <summary>
/// One line of the edge's access log as nginx writes it; times in seconds. The fields are those of docs/edge-log.md.
/// </summary>
internal sealed record AccessLogLine(
    double? Time,
    string? Edge,
    string? Region,
    string? Method,
    string? Uri,
    string? Args,
    int? Status,
    long? Bytes,
    double? Duration,
    string? Upstream,
    string? Cache,
    string? Ua,
    string? ReqId,
    string? Session,
    string? CmcdObject,
    string? CmcdRequest,
    string? CmcdSession,
    string? CmcdStatus
);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString
)]
[JsonSerializable(typeof(AccessLogLine))]
internal sealed partial class AccessLogJson : JsonSerializerContext;

/// <summary>
/// Where lines come from: an edge, and when they arrived. Where <paramref name="IsClaimed"/> is true the lines name
/// their edge themselves and must name this one; else they come from its own file and the name is not read.
/// </summary>
public sealed record LogSource(string Edge, bool IsClaimed, DateTimeOffset ReceivedAt);

/// <summary>
/// Turns lines of the edges' access log into requests, with session and video where the line names them.
/// </summary>
public sealed class AccessLogReader(EdgeNames edges)
{
    /// <summary>Longest line, in characters; those of our edges are below 20,000.</summary>
    public const int LengthMax = 64 * 1024;

    /// <summary>How far a line's time may be ahead of its arrival; beyond, the edge's clock is wrong.</summary>
    public static readonly TimeSpan ClockAheadMax = TimeSpan.FromHours(1);

    // Unix times of 1973 to 5138 in seconds, milliseconds, microseconds: one magnitude each.
    private const double MillisecondsFrom = 1e11,
        MicrosecondsFrom = 1e14,
        MicrosecondsEnd = 1e17;

    /// <summary>
    /// Reads one line, or says in <paramref name="fault"/> what is wrong with it, and whether it is about an edge
    /// that is not the source's.
    /// </summary>
    public CdnRequestServed? TryRead(string line, LogSource source, out (string Cause, bool IsForeign)? fault)
    {
        try
        {
            if (line.Length > LengthMax)
                throw new FormatException($"longer than {LengthMax} characters");
            var log =
                JsonSerializer.Deserialize(line, AccessLogJson.Default.AccessLogLine)
                ?? throw new FormatException("the line is null");
            if (source.IsClaimed && log.Edge is { } claimed && claimed != source.Edge)
            {
                fault = (
                    $"the line is of edge '{claimed[..Math.Min(64, claimed.Length)]}', the key of edge "
                        + $"'{source.Edge}'; each edge delivers its own log with its own key",
                    true
                );
                return null;
            }

            fault = null;
            return Convert(log, source);
        }
        catch (Exception e) when (e is JsonException or FormatException or OverflowException)
        {
            fault = ($"not a line of the edge's access log: {e.Message}", false);
            return null;
        }
    }

    private CdnRequestServed Convert(AccessLogLine log, LogSource source)
    {
        var cmcd = Cmcd(log);
        var record = cmcd.Length == 0 ? null : CmcdParser.TryParse(cmcd, out _);
        var path = (log.Uri ?? throw new FormatException("'uri' is missing")).Split('?')[0];
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var isMedia = parts.Length >= 3 && parts[0] == "media" && VideoId.TryParse(parts[1], null, out _);
        var signed = Guid.TryParseExact(log.Session, "D", out var session);
        return new CdnRequestServed
        {
            Time = Time(Needed(log.Time, "time"), source.ReceivedAt),
            Edge = source.Edge,
            Region = edges.RegionOf(source.Edge) ?? log.Region ?? "",
            SessionId =
                signed ? $"{session:D}"
                : record?.Text("sid") is { Length: > 0 and <= BeaconReader.SessionIdMax } sid ? sid
                : null,
            VideoId = isMedia ? parts[1] : null,
            Rendition = isMedia && parts.Length > 3 ? parts[2] : "",
            Method = log.Method ?? "",
            Path = path,
            Status = log.Status is { } status and >= 0 and <= 999
                ? status
                : throw new FormatException("'status' is missing or not a status"),
            Bytes = log.Bytes is null or >= 0 ? log.Bytes ?? 0 : throw new FormatException("'bytes' is negative"),
            DurationMs = Milliseconds(log.Duration ?? 0, "duration"),
            UpstreamMs = LastSeconds(log.Upstream) is { } upstream ? Milliseconds(upstream, "upstream") : null,
            CacheStatus = log.Cache ?? "",
            UserAgent = log.Ua ?? "",
            Cmcd = cmcd,
            RequestId = log.ReqId ?? "",
            Signed = signed,
        };
    }

    /// <summary>
    /// A time as nginx writes it, in seconds, or as other shippers do, in milliseconds or microseconds.
    /// </summary>
    private static DateTimeOffset Time(double value, DateTimeOffset arrival)
    {
        var milliseconds = value switch
        {
            < MillisecondsFrom => value * 1000,
            < MicrosecondsFrom => value,
            < MicrosecondsEnd => value / 1000,
            _ => double.NaN,
        };
        if (!(milliseconds >= 0 && milliseconds <= arrival.Add(ClockAheadMax).ToUnixTimeMilliseconds()))
            throw new FormatException("'time' is not a Unix time up to one hour ahead of now");
        return DateTimeOffset.FromUnixTimeMilliseconds((long)Math.Round(milliseconds));
    }

    /// <summary>Where a CMCD header is present the query argument is ignored, as CTA-5004-B asks.</summary>
    private static string Cmcd(AccessLogLine log)
    {
        string?[] headers = [log.CmcdObject, log.CmcdRequest, log.CmcdSession, log.CmcdStatus];
        var present = headers.Where(header => !string.IsNullOrEmpty(header) && header != "-").ToList();
        if (present.Count > 0)
            return string.Join(',', present);
        var arguments = (log.Args ?? "").Split('&');
        return Array.Find(arguments, one => one.StartsWith("CMCD=", StringComparison.Ordinal)) is { } argument
            ? Uri.UnescapeDataString(argument[5..].Replace('+', ' '))
            : "";
    }

    private static double Needed(double? value, string field) =>
        value ?? throw new FormatException($"'{field}' is missing");

    /// <summary>A duration; one of years is a fault of the writer.</summary>
    private static double Milliseconds(double seconds, string field) =>
        seconds is >= 0 and <= 1e9
            ? seconds * 1000
            : throw new FormatException($"'{field}' is not a duration in seconds");

    /// <summary>nginx lists a time for each upstream that was asked; the last one answered.</summary>
    private static double? LastSeconds(string? text)
    {
        var last = (text ?? "").Split(',', ':')[^1].Trim();
        return double.TryParse(last, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            ? seconds
            : null;
    }
}
