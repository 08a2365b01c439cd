using System.Text;
using EventStream.EventStore.Privacy;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Upload.Outbound;
using EventStream.Upload.Tus;
using EventStream.Upload.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Upload.Pulls;

/// <summary>
/// A file that the platform is to fetch: its address, a title, its SHA-256 in hex where it is known, and the id of the
/// video whose place it is to take.
/// </summary>
public sealed record PullRequest(string? Url, string? Title, string? Sha256, string? Replaces);

/// <summary>The video that a fetched file becomes, and where it is described.</summary>
public sealed record PullAccepted(string VideoId, string Video);

/// <summary>Where publishers name the address of a file, instead of sending it.</summary>
public sealed class PullsApi(
    UploadCreation creations,
    PullTable pulls,
    PersonalData personal,
    PullOptions options,
    TimeProvider time
)
{
    private readonly OutboundGate gate = new(options.Networks, new HostList(options.AllowedHosts));

    /// <summary>The table of routes.</summary>
    public void Map(IEndpointRouteBuilder routes) =>
        routes
            .MapGroup("/v1/pulls")
            .AddEndpointFilter<UploadProblemFilter>()
            .RequireAuthorization(Policies.Publish)
            .MapPost("/", (Delegate)CreateAsync)
            .Accepts<PullRequest>("application/json")
            .Describe(
                "Makes a video of a file that the platform fetches from an address.",
                400,
                404,
                410,
                413,
                422,
                429
            )
            .TakesHeader(IdempotencyKey.Header, IdempotencyKey.HeaderText)
            .Answers(202, typeof(PullAccepted));

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var cancellation = context.RequestAborted;
        var request = await JsonBody.ReadAsync<PullRequest>(
            context.Request,
            "{\"url\": \"https://...\"}",
            cancellation
        );
        var url = await CheckAsync(request.Url, cancellation);
        var publisher = context.Caller()!.Name;
        var creation = new TusCreation(null, UploadRecord.Whole, [], MetadataOf(url, request))
        {
            IdempotencyKey = IdempotencyKey.Of(context.Request),
            PulledFrom = url.AbsoluteUri,
        };
        var upload = await creations.CreateAsync(publisher, creation, cancellation);
        var stored = await personal.ProtectAsync(publisher, url.AbsoluteUri, cancellation);
        await pulls.AskAsync(upload.VideoId, publisher, stored, time.GetUtcNow(), cancellation);
        var location = $"{context.PublicUrl()}/v1/videos/{upload.VideoId}";
        return Results.Accepted(location, new PullAccepted(upload.VideoId.ToString(), location));
    }

    private static TusMetadata MetadataOf(Uri url, PullRequest request)
    {
        var name = Uri.UnescapeDataString(url.Segments[^1].Trim('/'));
        var pairs = new[]
        {
            ("filename", name),
            ("title", request.Title),
            ("sha256", request.Sha256),
            ("replaces", request.Replaces),
        };
        return TusMetadata.Parse(
            string.Join(
                ',',
                pairs
                    .Where(pair => !string.IsNullOrWhiteSpace(pair.Item2))
                    .Select(pair => $"{pair.Item1} {Convert.ToBase64String(Encoding.UTF8.GetBytes(pair.Item2!))}")
            )
        );
    }

    private async Task<Uri> CheckAsync(string? text, CancellationToken cancellation)
    {
        try
        {
            return await gate.CheckAsync(text, cancellation);
        }
        catch (RefusedAddressException e)
        {
            throw new UploadProblemException(
                StatusCodes.Status400BadRequest,
                "The file cannot be fetched",
                $"url: {e.Message}"
            );
        }
    }
}
