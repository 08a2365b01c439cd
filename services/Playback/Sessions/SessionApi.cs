using System.Globalization;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.Hosting.OpenApi;
using EventStream.Messaging.Kafka;
using EventStream.Playback.Catalogue;
using EventStream.Playback.Edges;
using EventStream.Playback.Origin;
using EventStream.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Playback.Sessions;

/// <summary>
/// Who asks to play: player name, region and device class, each up to 64 letters, digits, dots, hyphens and
/// underscores. <paramref name="SessionId"/> is refused: the platform draws it, so that nobody can open a session under
/// the id of another viewer's and report in its name.
/// </summary>
public sealed record SessionRequest(string? Player, string? Region, string? Device, string? SessionId);

/// <summary>
/// A viewing session: signed URLs that open the video until <paramref name="ExpiresAt"/>. The session id is the CMCD
/// <c>sid</c>; beacons go to <paramref name="BeaconsUrl"/>, unchanged: it carries the proof of the session. Poster and
/// thumbnails are null until they are made.
/// </summary>
public sealed record SessionOpened(
    Guid SessionId,
    VideoId VideoId,
    DateTimeOffset ExpiresAt,
    string HlsUrl,
    string DashUrl,
    string? PosterUrl,
    string? ThumbnailsUrl,
    string BeaconsUrl,
    SessionSteering Steering
);

/// <summary>Steering URLs of the session and the order of edges at its opening.</summary>
public sealed record SessionSteering(string HlsUrl, string DashUrl, IReadOnlyList<string> Pathways);

/// <summary>Opens sessions. They are not stored: all that the platform needs of them is in the URLs.</summary>
internal static class SessionApi
{
    private const int BodyBytesMax = 4096;

    public static void MapSessions(this IEndpointRouteBuilder routes) =>
        routes
            .MapPost("/v1/videos/{videoId}/sessions", OpenAsync)
            .AllowAnonymous()
            .Describe("Opens a session: signed addresses of manifests, and where to report.", 400, 404, 409, 429)
            .Answers(201, typeof(SessionOpened));

    private static async Task<IResult> OpenAsync(
        string videoId,
        HttpContext http,
        SessionServices services,
        SessionLimits limits
    )
    {
        if (limits.Refuse(http.Connection.RemoteIpAddress) is { } wait)
        {
            var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            return Problems.TooMany(seconds);
        }

        var (request, error) = await ReadAsync(http);
        if (request is null)
            return Problems.BadRequest(error!);
        if (Fault(request) is { } fault)
            return Problems.BadRequest(fault);
        if (!VideoId.TryParse(videoId, null, out var id))
            return Problems.UnknownVideo(videoId);
        if (services.Catalogue.Find(id) is not { } video)
            return Problems.UnknownVideo(videoId, services.Reader.CaughtUp.IsCompleted);
        if (!video.IsPlayable)
            return Problems.NotPlayable(video);
        var edges = await services.Edges.OrderAsync(request.Region ?? "", http.RequestAborted);
        return Results.Json(services.Open(video, request, edges), statusCode: StatusCodes.Status201Created);
    }

    private static async Task<(SessionRequest? Request, string? Error)> ReadAsync(HttpContext http)
    {
        var none = new SessionRequest(null, null, null, null);
        if (http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true)
            return (none, null);
        if (http.Request.ContentLength > BodyBytesMax)
            return (null, $"The body is larger than {BodyBytesMax} bytes.");
        var buffer = new byte[BodyBytesMax + 1];
        var length = await http.Request.Body.ReadAtLeastAsync(buffer, buffer.Length, false, http.RequestAborted);
        if (length > BodyBytesMax)
            return (null, $"The body is larger than {BodyBytesMax} bytes.");
        if (length == 0)
            return (none, null);
        try
        {
            var json = buffer.AsSpan(0, length);
            return (JsonSerializer.Deserialize<SessionRequest>(json, JsonSerializerOptions.Web) ?? none, null);
        }
        catch (JsonException e)
        {
            return (null, $"The body is not the JSON of a session request: {e.Message}");
        }
    }

    private static string? Fault(SessionRequest request)
    {
        foreach (
            var (name, value) in ((string, string?)[])
                [("player", request.Player), ("region", request.Region), ("device", request.Device)]
        )
        {
            if (!string.IsNullOrEmpty(value) && !Names.IsValid(value))
                return $"{name}: use up to {Names.LengthMax} letters, digits, dots, hyphens and underscores.";
        }

        return request.SessionId is not null
            ? "sessionId: leave it out, and use the id in the answer as the player's CMCD sid."
            : null;
    }
}

/// <summary>What opening a session works with, and the opening itself.</summary>
internal sealed record SessionServices(
    VideoCatalogue Catalogue,
    [FromKeyedServices(PlaybackRole.Group)] EventConsumer Reader,
    EdgeDirectory Edges,
    EdgeTokens Tokens,
    BeaconProof Proof,
    PlaybackOptions Options,
    TimeProvider Clock
)
{
    public SessionOpened Open(CatalogueVideo video, SessionRequest request, IReadOnlyList<EdgeAddress> edges)
    {
        var now = Clock.GetUtcNow();
        // Whole seconds, since that is what the signature holds.
        var expires = DateTimeOffset.FromUnixTimeSeconds((now + Options.TokenLifetime).ToUnixTimeSeconds());
        var session = Guid.CreateVersion7(now);
        var folder = $"{edges[0].Url}{Tokens.Prefix(video.Id, session, expires)}/media/{video.Id}";
        var region = request.Region ?? "";
        var query = region.Length > 0 ? $"?region={region}" : "";
        return new SessionOpened(
            session,
            video.Id,
            expires,
            $"{folder}/master.m3u8{query}",
            $"{folder}/manifest.mpd{query}",
            video.Thumbnails is { } poster ? $"{folder}/{MediaPaths.ThumbnailPath(video, poster.PosterKey)}" : null,
            video.Thumbnails is { } index ? $"{folder}/{MediaPaths.ThumbnailPath(video, index.IndexKey)}" : null,
            BeaconsUrl(new BeaconClaims($"{session}", $"{video.Id}", expires, region, request.Player ?? "")),
            new SessionSteering(
                Options.SteeringUrlOf("hls", video.Id, region),
                Options.SteeringUrlOf("dash", video.Id, region),
                [.. edges.Select(edge => edge.Name)]
            )
        );
    }

    /// <summary>Where a session reports to. Every value is of characters that a URL takes as they are.</summary>
    private string BeaconsUrl(BeaconClaims session) =>
        $"{Options.CollectUrl}/v1/cmcd?video={session.VideoId}&region={session.Region}&player={session.Player}"
        + $"&session={session.SessionId}&expires={session.Expires.ToUnixTimeSeconds()}&proof={Proof.Make(session)}";
}
