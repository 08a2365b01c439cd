using EventStream.Contracts;
using EventStream.Hosting.OpenApi;
using EventStream.Media;
using EventStream.Messaging.Kafka;
using EventStream.Playback.Catalogue;
using EventStream.Playback.Edges;
using EventStream.Playback.Manifests;
using EventStream.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;

namespace EventStream.Playback.Origin;

/// <summary>
/// What edges ask for. The signed prefix that opened the edge comes in a header and is checked again here, so that
/// a request that reaches the origin past an edge gets nothing.
/// </summary>
internal static class OriginApi
{
    /// <summary>Header in which an edge passes <c>/s/{expires}/{sessionId}/{signature}</c> on.</summary>
    public const string SignedPrefixHeader = "X-Signed-Prefix";

    private const string EdgeRegionHeader = "X-Edge-Region";
    private const string Immutable = "public, max-age=31536000, immutable";
    private const string Short = "public, max-age=10";
    private const string PerViewer = "private, no-cache";

    // Edge and origin may disagree about the time by this much.
    private static readonly TimeSpan Leeway = TimeSpan.FromSeconds(30);
    private static readonly string[] GetOrHead = ["GET", "HEAD"];

    public static void MapOrigin(this IEndpointRouteBuilder routes)
    {
        ForEdges(routes.MapMethods("/media/{videoId}/master.m3u8", GetOrHead, Master))
            .Describe("The HLS multivariant playlist of a video.", 403, 404, 409)
            .Takes("region", "Region of the viewer, for the order of edges.")
            .Answers(200, typeof(string), "application/vnd.apple.mpegurl");
        ForEdges(routes.MapMethods("/media/{videoId}/manifest.mpd", GetOrHead, Dash))
            .Describe("The DASH manifest of a video.", 403, 404, 409)
            .Takes("region", "Region of the viewer, for the order of edges.")
            .Answers(200, typeof(string), "application/dash+xml");
        ForEdges(routes.MapMethods("/media/{videoId}/{**file}", GetOrHead, File))
            .Describe("A segment, media playlist or thumbnail of a video; ranges are served.", 403, 404, 416)
            .Answers(200, typeof(Stream), "application/octet-stream")
            .Answers(206, typeof(Stream), "application/octet-stream");
    }

    private static RouteHandlerBuilder ForEdges(RouteHandlerBuilder route) =>
        route
            .AllowAnonymous()
            .TakesHeader(
                SignedPrefixHeader,
                "The signed prefix that opened the edge: /s/{expires}/{sessionId}/{signature}.",
                true
            );

    private static Task<IResult> Master(string videoId, HttpContext http, OriginServices origin) =>
        ManifestAsync(videoId, http, origin, "application/vnd.apple.mpegurl", HlsMaster.Write);

    private static Task<IResult> Dash(string videoId, HttpContext http, OriginServices origin) =>
        ManifestAsync(videoId, http, origin, "application/dash+xml", DashManifest.Write, ofWhole: true);

    private static async Task<IResult> ManifestAsync(
        string videoId,
        HttpContext http,
        OriginServices origin,
        string contentType,
        Func<CatalogueVideo, ManifestContext, string> write,
        bool ofWhole = false
    )
    {
        if (!TryOpen(videoId, http, origin, out var video, out var refusal))
            return refusal!;
        if (!video!.IsPlayable)
            return Problems.NotPlayable(video);
        if (ofWhole && video.Growing is not null)
            return Problems.NotWhole(video);
        string? edgeRegion = http.Request.Headers[EdgeRegionHeader];
        var region = Names.OrEmpty(http.Request.Query["region"]) is { Length: > 0 } asked
            ? asked
            : Names.OrEmpty(edgeRegion);
        var edges = await origin.Edges.OrderAsync(region, http.RequestAborted);
        var prefix = http.Request.Headers[SignedPrefixHeader].ToString();
        var context = new ManifestContext(
            edges,
            prefix,
            origin.Options.SteeringUrlOf("hls", video.Id, region),
            origin.Options.SteeringUrlOf("dash", video.Id, region)
        );
        http.Response.Headers.CacheControl = PerViewer;
        return Results.Text(write(video, context), contentType);
    }

    private static async Task<IResult> File(string videoId, string file, HttpContext http, OriginServices origin)
    {
        if (!TryOpen(videoId, http, origin, out var video, out var refusal))
            return refusal!;
        if (GrowingPlaylist.Write(video!, file) is { } growing)
        {
            http.Response.Headers.CacheControl = $"public, max-age={GrowingPlaylist.FreshSeconds}";
            return Results.Text(growing, MediaPaths.ContentTypeOf(file));
        }

        if (MediaPaths.KeyOf(video!, file) is not { } key)
            return Problems.NoFile(videoId, file);
        MediaContent content;
        try
        {
            content = await origin.Media.OpenAsync(key, http.RequestAborted);
        }
        catch (MediaNotFoundException)
        {
            return Problems.NoFile(videoId, file);
        }

        var stat = content.Stat;
        http.Response.Headers.CacheControl = file.EndsWith(".m3u8", StringComparison.Ordinal) ? Short : Immutable;
        var tag = new EntityTagHeaderValue($"\"{stat.SizeBytes:x}-{stat.WrittenAt.ToUnixTimeMilliseconds():x}\"");
        return Results.Stream(
            content.Stream,
            MediaPaths.ContentTypeOf(file),
            lastModified: stat.WrittenAt,
            entityTag: tag,
            enableRangeProcessing: true
        );
    }

    private static bool TryOpen(
        string videoId,
        HttpContext http,
        OriginServices origin,
        out CatalogueVideo? video,
        out IResult? refusal
    )
    {
        video = null;
        refusal = null;
        if (!VideoId.TryParse(videoId, null, out var id))
            refusal = Problems.UnknownVideo(videoId);
        else if (Refusal(http, origin, id) is { } forbidden)
            refusal = forbidden;
        else
            video = origin.Catalogue.Find(id);
        if (video is null)
            refusal ??= Problems.UnknownVideo(videoId, origin.Reader.CaughtUp.IsCompleted);
        return refusal is null;
    }

    private static IResult? Refusal(HttpContext http, OriginServices origin, VideoId id)
    {
        string? prefix = http.Request.Headers[SignedPrefixHeader];
        return origin.Tokens.Verify(prefix, id, origin.Clock.GetUtcNow(), Leeway) switch
        {
            TokenVerdict.Valid => null,
            TokenVerdict.Expired => Problems.Forbidden("The signed URL has expired; open a new session."),
            _ => Problems.Forbidden(
                $"Media is served to edges, which pass a signed prefix on in {SignedPrefixHeader}."
            ),
        };
    }
}

/// <summary>What the origin's handlers work with.</summary>
internal sealed record OriginServices(
    VideoCatalogue Catalogue,
    [FromKeyedServices(PlaybackRole.Group)] EventConsumer Reader,
    IMediaStore Media,
    EdgeDirectory Edges,
    EdgeTokens Tokens,
    PlaybackOptions Options,
    TimeProvider Clock
);
