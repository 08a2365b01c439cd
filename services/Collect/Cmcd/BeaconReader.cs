using EventStream.Contracts;

namespace EventStream.Collect.Cmcd;

/// <summary>Turns a CMCD record into the contract's event. The line itself is kept unmodified.</summary>
public sealed class BeaconReader(EdgeNames edges)
{
    /// <summary>The newest version that is understood; a record of a later one must be dropped (CTA-5004-B).</summary>
    public const int VersionMax = 2;

    /// <summary>Longest session id of the standard, in characters.</summary>
    public const int SessionIdMax = 64;

    /// <summary>
    /// A response time above ten minutes is a player's slip (some send the epoch), not a measurement.
    /// </summary>
    private const double ResponseMsMax = 600_000;

    /// <summary>Times from this one on, 2200 in Unix milliseconds, are no times of viewing.</summary>
    private const double TimeEnd = 7_258_118_400_000;

    /// <summary>The standard's tokens are of one or two letters; a column of the warehouse holds few values.</summary>
    private const int TokenMax = 32;

    /// <summary>
    /// A custom key for <c>pb</c>. hls.js lets a page add only custom keys, and has no <c>pb</c> in its own reports.
    /// </summary>
    private const string PlayheadKey = "eventstream-pb";

    private static readonly (string Key, int Max)[] TextsMax =
    [
        ("e", TokenMax),
        ("sta", TokenMax),
        ("ot", TokenMax),
        ("st", TokenMax),
        ("sf", TokenMax),
        ("cid", 128),
        ("h", 256),
        ("url", 4096),
    ];

    /// <summary>Reads one line, or says in <paramref name="error"/> what is wrong with it.</summary>
    public BeaconReceived? TryRead(string line, BeaconContext context, out string? error)
    {
        if (CmcdParser.TryParse(line, out error) is not { } record)
            return null;
        error = Refusal(record);
        return error is null ? Convert(line, record, context) : null;
    }

    private static string? Refusal(CmcdRecord record)
    {
        if (record.Version < 1)
            return $"version {record.Version} does not exist";
        if (record.Version > VersionMax)
            return $"version {record.Version} is newer than {VersionMax}";
        if (record.Text("sid") is not { Length: > 0 and <= SessionIdMax })
            return $"the session id (sid) is missing or longer than {SessionIdMax} characters";
        foreach (var (key, max) in TextsMax)
        {
            if (record.Text(key) is { } text && text.Length > max)
                return $"'{key}' is longer than {max} characters";
        }

        if (record.Number("ts") is { } ts and not (> 0 and < TimeEnd))
            return "the timestamp (ts, Unix milliseconds) is not a time";
        if (record.Version < 2)
            return null;
        if (record.Text("e") is null)
            return "the event (e) is missing; event mode requires it";
        return record.Number("ts") is null ? "the timestamp (ts, Unix milliseconds) is missing" : null;
    }

    private BeaconReceived Convert(string line, CmcdRecord r, BeaconContext context)
    {
        var url = r.Text("url");
        var host = r.Text("h");
        return new BeaconReceived
        {
            SessionId = r.Text("sid")!,
            ContentId = r.Text("cid") ?? context.VideoId,
            Version = r.Version,
            Event = r.Version < 2 ? PlayerEvent.VersionOne : r.Text("e")!,
            Time = r.Number("ts") is { } ts ? DateTimeOffset.FromUnixTimeMilliseconds((long)ts) : context.ReceivedAt,
            ReceivedAt = context.ReceivedAt,
            Sequence = (long?)r.Number("sn"),
            State = r.Text("sta"),
            BitrateKbps = r.Number("br"),
            PlayheadBitrateKbps = r.Number("pb") ?? r.Number(PlayheadKey),
            TopBitrateKbps = r.Number("tb"),
            ThroughputKbps = r.Number("mtp"),
            BufferMs = r.Number("bl"),
            BufferStarved = r.Flag("bs"),
            StallMs = r.Sum("bsd"),
            StallCountTotal = r.Number("bsa"),
            StallMsTotal = r.Number("bsda"),
            StartDelayMs = r.Number("msd"),
            PlayheadMs = r.Number("pt"),
            PlaybackRate = r.Number("pr"),
            ResponseCode = (int?)r.Number("rc"),
            TtfbMs = Plausible(r.Number("ttfb")),
            TtlbMs = Plausible(r.Number("ttlb")),
            Url = url,
            Hostname = host,
            ObjectType = r.Text("ot"),
            StreamType = r.Text("st"),
            StreamFormat = r.Text("sf"),
            ObjectDurationMs = r.Number("d"),
            DroppedFrames = (int?)r.Number("dfa"),
            ErrorCodes = r.Texts("ec"),
            Player = context.Player,
            Region = context.Region,
            Device = context.Device,
            Edge = edges.Of(url) ?? edges.Of(host) ?? "",
            Raw = line,
            Proven =
                context.ProvenSession is { } proven
                && proven == r.Text("sid")
                && (r.Text("cid") ?? context.VideoId) == context.VideoId,
        };
    }

    private static double? Plausible(double? milliseconds) =>
        milliseconds is >= 0 and <= ResponseMsMax ? milliseconds : null;
}
