using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Messaging;
using EventStream.Traffic.Edges;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Traffic.Steering;

/// <summary>
/// <c>GET /v1/steering/hls</c> and <c>/v1/steering/dash</c> for players, <c>GET /v1/edges</c> for the console and
/// Playback. No query is refused, and never with 429: some players stop asking for good after one.
/// </summary>
internal static partial class SteeringApi
{
    private const int ManifestVersion = 1;
    private static readonly string[] Kept = ["region", "video", "session"];

    private static readonly Counter<long> Asked = Telemetry.Meter.CreateCounter<long>(
        "eventstream.traffic.steering_requests",
        description: "Steering requests by format and the pathway in use."
    );

    public static void MapSteering(this IEndpointRouteBuilder routes)
    {
        foreach (var (format, player) in (ReadOnlySpan<(string, string)>)[("hls", "an HLS"), ("dash", "a DASH")])
        {
            var pathway = $"_{format.ToUpperInvariant()}_pathway";
            routes
                .MapGet(
                    $"/v1/steering/{format}",
                    (HttpContext http, SteeringBoard board, TrafficOptions options) =>
                        Answer(format, pathway, http, board, options)
                )
                .AllowAnonymous()
                .Describe($"The order of edges for {player} player, as content steering asks for it.")
                .Takes(pathway, "The pathway in use.")
                .Takes("region", "Region of the viewer.")
                .Answers(200, typeof(SteeringManifest));
        }

        routes
            .MapGet("/v1/edges", Edges)
            .RequireAuthorization(Policies.Analyse)
            .Describe("The edges with health, load and quality, and their order for a region.")
            .Takes("region", "Region of the viewers.")
            .Answers(200, typeof(EdgeMapAnswer));
    }

    /// <summary>Names in a pathway parameter: with or without quotes, one or a list with commas.</summary>
    internal static IReadOnlyList<string> Pathways(string? parameter) =>
        (parameter ?? "")
            .Trim()
            .Trim('"')
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static IResult Answer(
        string format,
        string parameter,
        HttpContext http,
        SteeringBoard board,
        TrafficOptions options
    )
    {
        Count(format, Pathways(http.Request.Query[parameter]), options);
        var order = board.OrderFor(Value(http, "region"));
        var query = string.Join(
            '&',
            Kept.Where(key => Value(http, key).Length > 0).Select(key => $"{key}={Value(http, key)}")
        );
        var reload = $"{http.PublicUrl()}/v1/steering/{format}{(query.Length > 0 ? "?" : "")}{query}";
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(
            new SteeringManifest(
                ManifestVersion,
                options.SteeringTtlSeconds,
                reload,
                order,
                format == "dash" ? order : null
            )
        );
    }

    private static IResult Edges(
        HttpContext http,
        EdgeMap map,
        SteeringBoard board,
        TrafficOptions options,
        TimeProvider clock
    )
    {
        var (region, now) = (Value(http, "region"), clock.GetUtcNow());
        http.Response.Headers.CacheControl = "no-store";
        return Results.Json(
            new EdgeMapAnswer(
                options.Policy.Name,
                region,
                board.OrderFor(region),
                [
                    .. map.States.Select(state => new EdgeAnswer(
                        state.Edge.Name,
                        state.Edge.Region,
                        state.Edge.PublicUrl,
                        state.IsUp,
                        Math.Round(state.Health(now, options.QualityHalfLife), 3),
                        Math.Round(state.Load(now), 2),
                        Math.Round(state.Quality.StallRatio(now, options.QualityHalfLife), 4),
                        Math.Round(state.Quality.ErrorRatio(now, options.QualityHalfLife), 4),
                        state.LastProbe is { } probe ? Math.Round(probe.DurationMs, 1) : null,
                        state.LastProbe?.Error
                    )),
                ]
            )
        );
    }

    private static void Count(string format, IReadOnlyList<string> pathways, TrafficOptions options)
    {
        // Only names of the map become a tag: anything else is a stranger's text.
        var used = pathways.Count > 0 && options.Edges.Any(edge => edge.Name == pathways[0]) ? pathways[0] : "none";
        Asked.Add(1, new("format", format), new("pathway", used));
    }

    private static string Value(HttpContext http, string key)
    {
        var text = http.Request.Query[key].ToString();
        return Plain().IsMatch(text) ? text : "";
    }

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,64}\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Plain();
}

/// <summary>The map of edges with the order for a region.</summary>
public sealed record EdgeMapAnswer(
    string Policy,
    string Region,
    IReadOnlyList<string> Order,
    IReadOnlyList<EdgeAnswer> Edges
);

/// <summary>
/// One edge of the map, with the URL that players use: health 0 (down) to 1, load in requests per second, ratios 0..1,
/// duration of the last probe in milliseconds and its error, if it failed.
/// </summary>
public sealed record EdgeAnswer(
    string Name,
    string Region,
    string Url,
    bool Up,
    double Health,
    double LoadPerSecond,
    double StallRatio,
    double ErrorRatio,
    double? ProbeMs,
    string? Error
);
