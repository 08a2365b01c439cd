using System.Globalization;
using EventStream.Tokens;
using Microsoft.AspNetCore.Http;

namespace EventStream.Collect.Cmcd;

/// <summary>
/// What a request says of all its records: where they come from, when they arrived, and the session that its proof is
/// for, null without a valid one.
/// </summary>
public sealed record BeaconContext(
    string? VideoId,
    string Player,
    string Region,
    string Device,
    DateTimeOffset ReceivedAt,
    string? ProvenSession = null
)
{
    /// <summary>Longest text that is taken from a query, in characters.</summary>
    private const int QueryTextMax = 64;

    /// <summary>The context of a request. The proof is checked once; the limits ask for the same context.</summary>
    public static BeaconContext Of(HttpContext http, BeaconProof proof, TimeProvider clock)
    {
        if (http.Items.TryGetValue(typeof(BeaconContext), out var known))
            return (BeaconContext)known!;
        var query = http.Request.Query;
        var now = clock.GetUtcNow();
        var context = new BeaconContext(
            Text(query["video"]) is { Length: > 0 } video ? video : null,
            Text(query["player"]),
            Text(query["region"]),
            DeviceClass.Of(http.Request.Headers.UserAgent),
            now
        );
        var session = Text(query["session"]);
        if (
            Expiry(query["expires"]) is { } expires
            && session.Length > 0
            && context.VideoId is not null
            && proof.Check(
                new BeaconClaims(session, context.VideoId, expires, context.Region, context.Player),
                query["proof"],
                now
            )
        )
            context = context with { ProvenSession = session };
        http.Items[typeof(BeaconContext)] = context;
        return context;
    }

    private static DateTimeOffset? Expiry(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
        && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    /// <summary>Kept short, so that nobody can grow what is stored of a request without bound.</summary>
    private static string Text(string? text) =>
        string.IsNullOrEmpty(text) ? "" : text[..Math.Min(QueryTextMax, text.Length)];
}
