using EventStream.Contracts;
using EventStream.Media;
using EventStream.Playback.Catalogue;
using EventStream.Playback.Edges;
using EventStream.Playback.Manifests;
using EventStream.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace EventStream.Playback.Origin;

/// <summary>
/// What edges ask for. The signed prefix that opened the edge comes in a header and is checked again here, so that
/// whoever reaches the origin past an edge gets nothing.
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
        routes.MapMethods("/media/{videoId}/master.m3u8", GetOrHead, Master).AllowAnonymous();
        routes.MapMethods("/media/{videoId}/manifest.mpd", GetOrHead, Dash).AllowAnonymous();
        routes.MapMethods("/media/{videoId}/{**file}", GetOrHead, File).AllowAnonymous();
    }

    private static Task<IResult> Master(string videoId, HttpContext http, OriginServices origin) =>
        ManifestAsync(videoId, http, origin, "application/vnd.apple.mpegurl", HlsMaster.Write);

    private static Task<IResult> Dash(string videoId, HttpContext http, OriginServices origin) =>
        ManifestAsync(videoId, http, origin, "application/dash+xml", DashManifest.Write);

    private static async Task<IResult> ManifestAsync(
        string videoId, HttpContext http, OriginServices origin, string contentType,
        Func<CatalogueVideo, ManifestContext, string> write)
    {
        if (!TryOpen(videoId, http, origin, out var video, out var refusal)) return refusal!;
        if (!video!.IsPlayable) return Problems.NotPlayable(video);
        string? edgeRegion = http.Request.Headers[EdgeRegionHeader];
        var region = Names.OrEmpty(http.Request.Query["region"]) is { Length: > 0 } asked
            ? asked
            : Names.OrEmpty(edgeRegion);
        var edges = await origin.Edges.OrderAsync(region, http.RequestAborted);
        var prefix = http.Request.Headers[SignedPrefixHeader].ToString();
        var context = new ManifestContext(
            edges, prefix, origin.Steering.Hls(video.Id, region), origin.Steering.Dash(video.Id, region));
        http.Response.Headers.CacheControl = PerViewer;
        return Results.Text(write(video, context), contentType);
    }

    private static async Task<IResult> File(string videoId, string file, HttpContext http, OriginServices origin)
    {
        if (!TryOpen(videoId, http, origin, out var video, out var refusal)) return refusal!;
        if (MediaPaths.KeyOf(video!, file) is not { } key) return Problems.NoFile(videoId, file);
        var found = await origin.Media.StatAsync(key, http.RequestAborted);
        if (found is not { } stat) return Problems.NoFile(videoId, file);
        var content = await origin.Media.OpenReadAsync(key, http.RequestAborted);
        http.Response.Headers.CacheControl = file.EndsWith(".m3u8", StringComparison.Ordinal) ? Short : Immutable;
        var tag = new EntityTagHeaderValue($"\"{stat.SizeBytes:x}-{stat.WrittenAt.ToUnixTimeMilliseconds():x}\"");
        return Results.Stream(
            content, MediaPaths.ContentTypeOf(file), lastModified: stat.WrittenAt, entityTag: tag,
            enableRangeProcessing: true);
    }

    private static bool TryOpen(
        string videoId, HttpContext http, OriginServices origin, out CatalogueVideo? video, out IResult? refusal)
    {
        video = null;
        refusal = null;
        if (!VideoId.TryParse(videoId, null, out var id)) refusal = Problems.UnknownVideo(videoId);
        else if (Refusal(http, origin, id) is { } forbidden) refusal = forbidden;
        else video = origin.Catalogue.Find(id);
        if (video is null) refusal ??= Problems.UnknownVideo(videoId, origin.Rebuild.IsComplete);
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
                $"Media is served to edges, which pass a signed prefix on in {SignedPrefixHeader}."),
        };
    }
}

/// <summary>What the origin's handlers work with.</summary>
internal sealed record OriginServices(
    VideoCatalogue Catalogue, CatalogueRebuild Rebuild, IMediaStore Media, EdgeDirectory Edges, EdgeTokens Tokens,
    SteeringUrls Steering, TimeProvider Clock);
