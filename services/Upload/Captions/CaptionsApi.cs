using System.ComponentModel;
using System.Security.Cryptography;
using System.Text;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Media;
using EventStream.Media.Text;
using EventStream.Upload.Library;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Upload.Captions;

/// <summary>
/// Subtitles of a video by language and role: those of its file, and those that its publisher sent. What is sent takes
/// the place of what is there of the same language and role.
/// </summary>
public sealed class CaptionsApi(Decider<Video> videos, IMediaStore media, TimeProvider time)
{
    private const string Route = "/v1/videos/{id}/captions";
    private const string NotSet = "The captions cannot be set";

    private static readonly string[] Roles = [TrackLabel.Captions, TrackLabel.Forced, TrackLabel.Commentary];

    /// <summary>The table of routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes
            .MapGet(Route, ListAsync)
            .AddEndpointFilter<UploadProblemFilter>()
            .RequireAuthorization(Policies.ReadVideos)
            .Describe("The subtitles and captions of a video.", 404, 410)
            .Answers(200, typeof(CaptionList));
        var changes = routes
            .MapGroup($"{Route}/{{language}}")
            .AddEndpointFilter<UploadProblemFilter>()
            .RequireAuthorization(Policies.Publish);
        changes
            .MapPut("", SetAsync)
            .Describe(
                "Adds captions of a language, WebVTT or SubRip in the body, or replaces them.",
                400,
                404,
                409,
                410,
                413
            )
            .Answers(200, typeof(Caption));
        changes
            .MapDelete("", RemoveAsync)
            .Describe("Removes the captions of a language, also those of the file.", 400, 404, 410)
            .Answers(204);
    }

    private async Task<IResult> ListAsync(HttpContext context, string id)
    {
        var video = await FindAsync(context, id);
        return Results.Ok(new CaptionList([.. video.ShownTexts.Select(Caption.Of)]));
    }

    private async Task<IResult> SetAsync(
        HttpContext context,
        string id,
        [Description("The language as a BCP 47 tag, such as 'de' or 'pt-BR'.")] string language,
        [Description("'captions' (also names sounds), 'forced' or 'commentary'; plain subtitles without it.")]
            string? role,
        [Description("The name in players' menus; that of the language without it.")] string? name
    )
    {
        var cancellation = context.RequestAborted;
        var label = LabelOf(language, role, name);
        var video = await FindAsync(context, id);
        if (video.Source is not { } source)
            throw new UploadProblemException(
                StatusCodes.Status409Conflict,
                NotSet,
                "The length of the video is not known yet; send them when its status is 'encoding' or later."
            );
        if (video.Captions.Count(other => !label.IsSameTrack(other.Label)) >= Caption.CountMax)
            throw new UploadProblemException(
                StatusCodes.Status409Conflict,
                NotSet,
                $"A video has at most {Caption.CountMax} of them; remove others first."
            );
        var bytes = await ReadAsync(context.Request, cancellation);
        var cues = Cues(bytes, source.DurationSeconds);
        // The name changes with the text, so that caches which hold another one are not asked.
        var hash = Convert.ToHexStringLower(SHA256.HashData([.. bytes, .. Encoding.UTF8.GetBytes(label.Name)]));
        var track = $"caption-{label.Language}{(role is null ? "" : $"-{role}")}-{hash[..8]}";
        var prefix = $"{VideoRemoval.CaptionsPrefix(video.Id)}{track}";
        var rendition = await WebVttTrack.StoreAsync(
            media,
            track,
            prefix,
            label,
            cues,
            source.DurationSeconds,
            cancellation
        );
        await ChangeAsync(context, video.Id, current => current.SetCaptions(rendition, time.GetUtcNow()), prefix);
        return Results.Ok(Caption.Of(rendition));
    }

    private async Task<IResult> RemoveAsync(
        HttpContext context,
        string id,
        [Description("The language as a BCP 47 tag.")] string language,
        [Description("The role, where they have one.")] string? role
    )
    {
        var label = LabelOf(language, role, null);
        var video = await FindAsync(context, id);
        if (!video.ShownTexts.Any(text => label.IsSameTrack(text.Label)))
            throw new UploadProblemException(
                StatusCodes.Status404NotFound,
                "There are no such captions",
                $"GET /v1/videos/{id}/captions lists the languages and roles that there are."
            );
        await ChangeAsync(context, video.Id, current => current.RemoveCaptions(label, time.GetUtcNow()), null);
        return Results.NoContent();
    }

    /// <summary>Decides, and removes the files of captions that are not shown any more.</summary>
    private async Task ChangeAsync(
        HttpContext context,
        VideoId id,
        Func<Video, IEnumerable<IEvent>> decide,
        string? keptPrefix
    )
    {
        IReadOnlyList<Rendition> before = [];
        var actor = EventMetadata.Current(context.Caller()!.Name);
        await videos.DecideAsync(
            id.Value,
            video =>
            {
                before = [.. video.Captions];
                return decide(video);
            },
            actor,
            context.RequestAborted
        );
        var after = (await videos.LoadAsync(id.Value, context.RequestAborted)).State.Captions;
        foreach (var gone in before.Where(old => old.Prefix != keptPrefix && after.All(now => now.Name != old.Name)))
        {
            await foreach (var key in media.ListAsync($"{gone.Prefix}/", context.RequestAborted))
                await media.DeleteAsync(key, context.RequestAborted);
        }
    }

    private async Task<Video> FindAsync(HttpContext context, string id)
    {
        var loaded = await videos.LoadAsync(VideosApi.Parse(id).Value, context.RequestAborted);
        var video = loaded.State;
        if (!loaded.Exists || video.EditionOf is not null || !Ownership.Holds(context, video.Publisher))
            throw VideosApi.Missing(id);
        VideosApi.RefuseDeleted(video);
        return video;
    }

    private static TrackLabel LabelOf(string language, string? role, string? name)
    {
        if (language.Length > Languages.TagMax || Languages.Tag(language) is not { } tag)
            throw Bad($"'{language}' is no language tag; send one such as 'de', 'eng' or 'pt-BR'.");
        if (role is not null && !Roles.Contains(role, StringComparer.Ordinal))
            throw Bad($"'role' must be one of {string.Join(", ", Roles)}, or left out; it is '{role}'.");
        if (name is { Length: 0 or > Caption.NameMax } || name?.Any(c => char.IsControl(c) || c == '"') is true)
            throw Bad($"'name' must be 1 to {Caption.NameMax} characters in one line, without quotes.");
        var usual = Languages.Label(tag, null, role, tag)!;
        return name is null ? usual : usual with { Name = name };
    }

    private static async Task<byte[]> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        var buffer = new byte[WebVttTrack.BytesMax + 1];
        var length = await request.Body.ReadAtLeastAsync(buffer, buffer.Length, false, cancellation);
        return length <= WebVttTrack.BytesMax
            ? buffer[..length]
            : throw new UploadProblemException(
                StatusCodes.Status413PayloadTooLarge,
                NotSet,
                $"The file is larger than {WebVttTrack.BytesMax} bytes, which no text of a video is."
            );
    }

    private static IReadOnlyList<WebVttCue> Cues(byte[] bytes, double durationSeconds)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Bad("The file is not in UTF-8; save it in that encoding and send it again.");
        }

        if (WebVtt.Read(text, double.MaxValue).Count == 0)
            throw Bad("The file holds no cue; send WebVTT or SubRip, such as '00:01.000 --> 00:02.500' and a line.");
        return WebVtt.Read(text, durationSeconds) is { Count: > 0 } cues
            ? cues
            : throw Bad($"Every cue is after the end of the video, which lasts {durationSeconds:0.###} s.");
    }

    private static UploadProblemException Bad(string detail) => new(StatusCodes.Status400BadRequest, NotSet, detail);
}
