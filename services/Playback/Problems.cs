using EventStream.Playback.Catalogue;
using Microsoft.AspNetCore.Http;

namespace EventStream.Playback;

/// <summary>Every refusal of this role, as problem details (RFC 9457).</summary>
internal static class Problems
{
    public static IResult UnknownVideo(string videoId, bool catalogueIsComplete = true) =>
        catalogueIsComplete
            ? Results.Problem(
                $"There is no video '{videoId}'. Take the id from the answer of the upload.",
                statusCode: 404,
                title: "Unknown video"
            )
            : Results.Problem(
                "The catalogue is still being read from video.events; ask again in a moment.",
                statusCode: 503,
                title: "Catalogue is being rebuilt"
            );

    public static IResult NotPlayable(CatalogueVideo video) =>
        Results.Problem(
            video.State switch
            {
                VideoState.Rejected =>
                    $"The source of video '{video.Id}' was rejected and will not become playable; upload another.",
                VideoState.Failed => $"Encoding of video '{video.Id}' was given up; upload it again.",
                _ => $"Video '{video.Id}' is {Word(video.State)}; ask again when its first rung is playable.",
            },
            statusCode: 409,
            title: "Not playable",
            extensions: new Dictionary<string, object?>
            {
                ["state"] = Word(video.State),
                ["videoId"] = video.Id.ToString(),
            }
        );

    public static IResult NotWhole(CatalogueVideo video) =>
        Results.Problem(
            $"Video '{video.Id}' is still being encoded and has no DASH manifest yet; play HLS, or ask again later.",
            statusCode: 409,
            title: "Not whole"
        );

    public static IResult NoFile(string videoId, string file) =>
        Results.Problem($"Video '{videoId}' has no file '{file}'.", statusCode: 404, title: "Unknown file");

    public static IResult Forbidden(string detail) => Results.Problem(detail, statusCode: 403, title: "Not signed");

    public static IResult BadRequest(string detail) =>
        Results.Problem(detail, statusCode: 400, title: "Bad session request");

    public static IResult TooMany(int seconds) =>
        Results.Problem(
            $"This address has opened too many sessions; ask again in {seconds} s.",
            statusCode: 429,
            title: "Too many sessions"
        );

    public static string Word(VideoState state) => state.ToString().ToLowerInvariant();
}
