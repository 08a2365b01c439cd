using EventStream.EventStore;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Upload.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Upload.Library;

/// <summary>A video is made again as an edition, whose progress is at an address of its own.</summary>
public sealed record EditionAccepted(string VideoId, string Edition, string Progress);

/// <summary>
/// What a publisher changes of its videos: title, tags and metadata, and whether a video is there at all.
/// </summary>
public sealed class VideoChangesApi(
    Decider<Video> videos,
    VideoDetailsReader details,
    VideoRemoval removal,
    Editions editions,
    UploadQuota quota,
    TimeProvider time
)
{
    /// <summary>The table of routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        var changes = routes
            .MapGroup("/v1/videos")
            .AddEndpointFilter<UploadProblemFilter>()
            .RequireAuthorization(Policies.Publish);
        changes
            .MapMethods("/{id}", ["PATCH"], DescribeAsync)
            .Accepts<VideoPatch>(DescriptionPatch.ContentType, "application/json")
            .Describe(
                "Changes title, tags or metadata of a video: a JSON merge patch (RFC 7396).",
                400,
                404,
                410,
                412,
                413,
                415
            )
            .TakesHeader("If-Match", Revision.HeaderText)
            .Answers(200, typeof(VideoDetails));
        changes
            .MapDelete("/{id}", DeleteAsync)
            .Describe(
                "Deletes a video and its media; its events stay. Deleting it again answers the same.",
                404,
                412,
                423
            )
            .TakesHeader("If-Match", Revision.HeaderText)
            .Answers(204);
        changes
            .MapPost("/{id}/encode", EncodeAsync)
            .Describe(
                "Encodes a video again from its file; what plays now plays until that is published.",
                404,
                409,
                410,
                429
            )
            .Answers(202, typeof(EditionAccepted));
        changes
            .MapPost("/{id}/cancel", CancelAsync)
            .Describe("Stops what is being encoded of a video; what can be played stays.", 404, 410)
            .Answers(204);
    }

    private async Task<IResult> EncodeAsync(HttpContext context, string id)
    {
        var video = await FindAsync(context, id, context.RequestAborted);
        VideosApi.RefuseDeleted(video);
        // It takes as much of the workers as an upload does.
        quota.CheckRate(video.Publisher);
        var edition = await editions.EncodeAgainAsync(video, context.Caller()!.Name, context.RequestAborted);
        var location = $"{context.PublicUrl()}/v1/videos/{edition}";
        return Results.Accepted(location, new EditionAccepted($"{video.Id}", $"{edition}", location));
    }

    private async Task<IResult> CancelAsync(HttpContext context, string id)
    {
        var video = await FindAsync(context, id, context.RequestAborted);
        VideosApi.RefuseDeleted(video);
        await editions.CancelAsync(video, context.Caller()!.Name, context.RequestAborted);
        return Results.NoContent();
    }

    private async Task<IResult> DescribeAsync(HttpContext context, string id)
    {
        var cancellation = context.RequestAborted;
        var video = await FindAsync(context, id, cancellation);
        var patch = await DescriptionPatch.ReadAsync(context.Request, cancellation);
        var wanted = Revision.Wanted(context.Request);
        await videos.DecideAsync(
            video.Id.Value,
            current =>
            {
                VideosApi.RefuseDeleted(current);
                wanted.Check(current);
                return current.Describe(patch.Apply(current), time.GetUtcNow());
            },
            EventMetadata.Current(context.Caller()!.Name),
            cancellation
        );
        return VideosApi.Answer(context, (await details.FindAsync(video.Id, cancellation))!);
    }

    private async Task<IResult> DeleteAsync(HttpContext context, string id)
    {
        var video = await FindAsync(context, id, context.RequestAborted);
        if (video.Status == VideoStatus.Deleted)
            return Results.NoContent();
        var wanted = Revision.Wanted(context.Request);
        await removal.DeleteAsync(video.Id, context.Caller()!.Name, wanted.Check, context.RequestAborted);
        return Results.NoContent();
    }

    private async Task<Video> FindAsync(HttpContext context, string id, CancellationToken cancellation)
    {
        var loaded = await videos.LoadAsync(VideosApi.Parse(id).Value, cancellation);
        // An edition is changed with its video.
        return loaded.Exists && Ownership.Holds(context, loaded.State.Publisher) && loaded.State.EditionOf is null
            ? loaded.State
            : throw VideosApi.Missing(id);
    }
}
