using System.ComponentModel;
using System.Text.Json;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Privacy;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using Marten;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Upload.Library;

/// <summary>
/// A page of the library. <c>Next</c> is the <c>before</c> of the following page, or null on the last one; <c>Total</c>
/// is how many videos match, counted up to <see cref="VideoList.TotalMax"/>.
/// </summary>
public sealed record VideoPage(IReadOnlyList<VideoListItem> Videos, VideoId? Next, long Total);

/// <summary>
/// The library: what videos there are, what each is now, and how it came to be. A publisher has its own videos only;
/// to it, another's does not exist.
/// </summary>
public sealed class VideosApi(VideoList list, VideoDetailsReader details, IDocumentStore store, PersonalData personal)
{
    /// <summary>Most videos of one page.</summary>
    public const int PageMax = 200;

    private static readonly string[] StatusWords =
    [
        .. Enum.GetValues<VideoStatus>()
            .Where(status => status is not (VideoStatus.None or VideoStatus.Deleted))
            .Select(VideoDetailsReader.Text),
    ];

    /// <summary>The table of routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        var videos = routes
            .MapGroup("/v1/videos")
            .AddEndpointFilter<UploadProblemFilter>()
            .RequireAuthorization(Policies.ReadVideos);
        videos
            .MapGet("/", ListAsync)
            .Describe("The videos that the caller may see, newest first, a page at a time.", 400)
            .Answers(200, typeof(VideoPage));
        videos
            .MapGet("/{id}", DetailsAsync)
            .Describe("What a video is now, with its renditions and encode tasks; its ETag is for changes.", 404, 410)
            .Answers(200, typeof(VideoDetails));
        videos
            .MapGet("/{id}/events", EventsAsync)
            .Describe("Every event of a video, also of a deleted one, in order, with its metadata.", 404)
            .Answers(200);
    }

    private async Task<IResult> ListAsync(
        HttpContext context,
        [Description("Videos of a page, 1 to 200; 50 where it is not said.")] int? limit,
        [Description("The 'next' of the page before.")] string? before,
        [Description("How far the videos are, such as 'published'.")] string? status,
        [Description("A tag that they have; said more than once, all of them.")] string[]? tag,
        [Description("A text in their titles, in upper or lower case.")] string? q
    )
    {
        if (limit is < 1 or > PageMax)
            throw Bad($"'limit' must be from 1 to {PageMax}; it is {limit}.");
        VideoId? from =
            before is null ? null
            : VideoId.TryParse(before, null, out var id) ? id
            : throw Bad($"'before' must be a video id; it is '{before}'.");
        var size = limit ?? 50;
        var filter = FilterOf(Ownership.Of(context), status, tag ?? [], q);
        // One more than is shown says whether a page follows.
        var page = await list.PageAsync(filter, from, size + 1, context.RequestAborted);
        IReadOnlyList<VideoListItem> shown = [.. page.Take(size)];
        return Results.Ok(
            new VideoPage(
                shown,
                page.Count > size ? shown[^1].Id : null,
                await list.CountAsync(filter, context.RequestAborted)
            )
        );
    }

    private static VideoFilter FilterOf(string? publisher, string? status, string[] tags, string? search)
    {
        if (status is not null && !StatusWords.Contains(status, StringComparer.Ordinal))
            throw Bad($"'status' must be one of {string.Join(", ", StatusWords)}; it is '{status}'.");
        if (tags.Length > VideoDescription.TagsMax)
            throw Bad($"'tag' may be said {VideoDescription.TagsMax} times; it is said {tags.Length} times.");
        if (tags.FirstOrDefault(tag => !VideoDescription.IsTag(tag)) is { } wrong)
            throw Bad($"'tag' must be 1 to {VideoDescription.TagLengthMax} characters in one line; it is '{wrong}'.");
        if (search?.Length > VideoTitle.LengthMax || search?.Any(char.IsControl) == true)
            throw Bad($"'q' must be a text of at most {VideoTitle.LengthMax} characters in one line.");
        return new VideoFilter(publisher, status, tags, search);
    }

    private async Task<IResult> DetailsAsync(HttpContext context, string id)
    {
        var video = await details.FindAsync(Parse(id), context.RequestAborted);
        return video is not null && Ownership.Holds(context, video.Publisher)
            ? Answer(context, video)
            : throw Missing(id);
    }

    /// <summary>
    /// A video with its entity tag. Throws <see cref="UploadProblemException"/> (410) for one that is deleted.
    /// </summary>
    internal static IResult Answer(HttpContext context, VideoDetails video)
    {
        RefuseDeleted(video);
        context.Response.Headers.ETag = Revision.TagOf(video.Revision);
        return Results.Ok(video);
    }

    /// <summary>Throws <see cref="UploadProblemException"/> (410) where the video is deleted.</summary>
    internal static void RefuseDeleted(VideoDetails video)
    {
        if (video.DeletedAt is { } deletedAt)
            throw Gone(video.Id, deletedAt);
    }

    /// <summary>The same.</summary>
    internal static void RefuseDeleted(Video video)
    {
        if (video.DeletedAt is { } deletedAt)
            throw Gone($"{video.Id}", deletedAt);
    }

    /// <summary>The timeline: every event with its metadata, as the store has it.</summary>
    private async Task<IResult> EventsAsync(HttpContext context, string id)
    {
        var events = new List<object>();
        var held = Ownership.Of(context) is null;
        await using var session = store.QuerySession();
        foreach (var e in await session.Events.FetchStreamAsync(Parse(id).Value, token: context.RequestAborted))
        {
            held |= e.Data is VideoRegistered registered && Ownership.Holds(context, registered.Publisher);
            if (!held)
                throw Missing(id);
            events.Add(
                new
                {
                    position = e.Sequence,
                    e.Version,
                    e.Id,
                    type = e.EventTypeName,
                    recordedAt = e.Timestamp,
                    metadata = personal.MetadataOf(e),
                    data = JsonSerializer.Deserialize<JsonElement>(MessageTypes.Write((IMessage)e.Data)),
                }
            );
        }

        return events.Count == 0 ? throw Missing(id) : Results.Ok(new { events });
    }

    internal static VideoId Parse(string id) => VideoId.TryParse(id, null, out var parsed) ? parsed : throw Missing(id);

    internal static UploadProblemException Missing(string id) =>
        new(
            StatusCodes.Status404NotFound,
            "There is no such video",
            $"'{id}' is none of your videos; GET /v1/videos lists them."
        );

    private static UploadProblemException Gone(string id, DateTimeOffset deletedAt) =>
        new(
            StatusCodes.Status410Gone,
            "The video was deleted",
            $"Its publisher deleted it at {deletedAt:u}. GET /v1/videos/{id}/events has its history."
        );

    private static UploadProblemException Bad(string detail) =>
        new(StatusCodes.Status400BadRequest, "The page cannot be shown", detail);
}
