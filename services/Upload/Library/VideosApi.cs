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
/// The library: what videos there are, what each is now, and how it came to be. A publisher has its own videos only;
/// to it, another's does not exist.
/// </summary>
public sealed class VideosApi(VideoList list, VideoDetailsReader details, IDocumentStore store, PersonalData personal)
{
    /// <summary>Most videos of one page.</summary>
    public const int PageMax = 200;

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
            .Answers(200);
        videos
            .MapGet("/{id}", DetailsAsync)
            .Describe("What a video is now, with its renditions and encode tasks.", 404)
            .Answers(200);
        videos
            .MapGet("/{id}/events", EventsAsync)
            .Describe("Every event of a video, in order, with its metadata.", 404)
            .Answers(200);
    }

    /// <summary>
    /// Newest first. <c>next</c> is the <c>before</c> of the following page, or null on the last one; <c>total</c> is
    /// how many videos the caller may see, counted up to <see cref="VideoList.TotalMax"/>.
    /// </summary>
    private async Task<IResult> ListAsync(HttpContext context, int? limit, string? before)
    {
        if (limit is < 1 or > PageMax)
            throw Bad($"'limit' must be from 1 to {PageMax}; it is {limit}.");
        VideoId? from =
            before is null ? null
            : VideoId.TryParse(before, null, out var id) ? id
            : throw Bad($"'before' must be a video id; it is '{before}'.");
        var size = limit ?? 50;
        var publisher = Ownership.Of(context);
        // One more than is shown says whether a page follows.
        var page = await list.PageAsync(publisher, from, size + 1, context.RequestAborted);
        var shown = page.Take(size).ToList();
        return Results.Ok(
            new
            {
                videos = shown,
                next = page.Count > size ? shown[^1].Id : (VideoId?)null,
                total = await list.CountAsync(publisher, context.RequestAborted),
            }
        );
    }

    private async Task<IResult> DetailsAsync(HttpContext context, string id)
    {
        var video = await details.FindAsync(Parse(id), context.RequestAborted);
        return video is not null && Ownership.Holds(context, video.Publisher) ? Results.Ok(video) : throw Missing(id);
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

    private static UploadProblemException Bad(string detail) =>
        new(StatusCodes.Status400BadRequest, "The page cannot be shown", detail);
}
