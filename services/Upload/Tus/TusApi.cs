using System.Globalization;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Hosting.OpenApi;
using EventStream.Upload.Resumable;
using EventStream.Upload.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EventStream.Upload.Tus;

/// <summary>
/// Resumable uploads by tus 1.0.0 with the extensions creation, creation-with-upload, creation-defer-length,
/// concatenation, checksum, termination and expiration. The id of an upload is the id of its video, also sent as
/// <c>X-Video-Id</c>, unless it is a part. Requests of the IETF's draft are answered by <see cref="ResumableApi"/>.
/// </summary>
public sealed class TusApi(
    UploadCreation creations,
    UploadService uploads,
    BodyIntake intake,
    ResumableApi resumable,
    UploadOptions options,
    TimeProvider time
)
{
    public const string Version = "1.0.0";
    public const string Extensions =
        "creation,creation-with-upload,creation-defer-length,concatenation,checksum,termination,expiration";

    /// <summary>The table of routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        var tus = routes
            .MapGroup("/v1/uploads")
            .AddEndpointFilter(CheckVersion)
            .AddEndpointFilter<UploadProblemFilter>()
            .AddEndpointFilter(AnswerDraft)
            .RequireAuthorization(Policies.Publish);
        foreach (var path in (string[])["/", "/{id}"])
            tus.MapMethods(path, ["OPTIONS"], Describe)
                .AllowAnonymous()
                .Describe("What this server speaks of tus, in headers.")
                .Answers(204);
        DescribeTus(tus.MapPost("/", (Delegate)CreateAsync))
            .Describe(
                "Announces a file, or a part of one, and takes its first bytes where there are some.",
                400,
                409,
                410,
                412,
                413,
                422,
                429,
                460
            )
            .TakesHeader(IdempotencyKey.Header, IdempotencyKey.HeaderText)
            .TakesHeader("Upload-Length", "Bytes of the whole file; or Upload-Defer-Length: 1 where nobody knows yet.")
            .TakesHeader("Upload-Metadata", "filename, title, sha256, replaces: names and base64 values, with commas.")
            .TakesHeader("Upload-Concat", "'partial', or 'final;' and the addresses of the parts.")
            .TakesHeader("Upload-Checksum", "Algorithm and base64 of the bytes that come along.")
            .Answers(201);
        DescribeTus(tus.MapMethods("/{id}", ["HEAD"], OffsetAsync))
            .Describe("How many bytes of an upload are stored, in the header Upload-Offset.", 404, 410, 412, 422)
            .Answers(200);
        DescribeTus(tus.MapMethods("/{id}", ["PATCH"], AppendAsync))
            .Describe(
                "Appends bytes, of the type application/offset+octet-stream; the last ones complete the upload.",
                400,
                404,
                409,
                410,
                412,
                413,
                415,
                422,
                423,
                460
            )
            .TakesHeader("Upload-Offset", "Where the bytes begin: what is stored so far.", isRequired: true)
            .TakesHeader("Upload-Length", "Bytes of the whole file, where its creation left them open.")
            .TakesHeader("Upload-Checksum", "Algorithm and base64 of the bytes that come along.")
            .Answers(204);
        DescribeTus(tus.MapDelete("/{id}", TerminateAsync))
            .Describe("Gives an unfinished upload up and frees its bytes.", 404, 409, 410, 412, 423)
            .Answers(204);
    }

    private static RouteHandlerBuilder DescribeTus(RouteHandlerBuilder route) =>
        route.TakesHeader("Tus-Resumable", $"The version of tus: {Version}.", isRequired: true);

    private IResult Describe(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers["Tus-Version"] = Version;
        headers["Tus-Extension"] = Extensions;
        headers["Tus-Max-Size"] = Text(options.MaxSizeBytes);
        headers["Tus-Checksum-Algorithm"] = ChunkChecksum.Algorithms;
        headers[ResumableHeaders.Limit] = ResumableApi.Limits(options);
        headers["Accept-Patch"] = $"{TusHeaders.ChunkType}, {ResumableHeaders.ChunkType}";
        return Results.NoContent();
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var creation = TusHeaders.Creation(context.Request);
        var upload = await creations.CreateAsync(context.Caller()!.Name, creation, context.RequestAborted);
        var location = $"{context.PublicUrl()}/v1/uploads/{upload.VideoId}";
        NameVideo(context, upload);
        context.Response.Headers.Location = location;
        if (upload.Kind == UploadRecord.Final)
            return Created(upload, location);
        Expires(context, upload.ExpiresAt);
        if (TusHeaders.IsChunk(context.Request))
        {
            // Of a creation that comes again, the first bytes may be there: the client goes on from the offset.
            var held = creation.IdempotencyKey is null
                ? 0
                : await uploads.SettledOffsetAsync(upload, context.RequestAborted);
            var offset = held > 0 ? held : await TakeAsync(context, upload, 0);
            if (offset is null)
                return Results.Empty;
            context.Response.Headers[TusHeaders.Offset] = Text(offset.Value);
        }

        return Created(upload, location);
    }

    private static IResult Created(UploadRecord upload, string location) =>
        Results.Created(
            location,
            new { videoId = upload.IsPartial ? null : upload.VideoId.ToString(), upload = location }
        );

    private async Task<IResult> OffsetAsync(HttpContext context, string id)
    {
        var upload = await FindAsync(context, id);
        var headers = context.Response.Headers;
        headers[TusHeaders.Offset] = Text(await uploads.SettledOffsetAsync(upload, context.RequestAborted));
        if (upload.LengthBytes is { } length)
            headers[TusHeaders.Length] = Text(length);
        else
            headers[TusHeaders.DeferLength] = "1";
        // What an earlier release took as metadata may hold what cannot be sent.
        if (upload.Metadata.Length > 0 && upload.Metadata.All(c => c is >= ' ' and <= '~'))
            headers[TusHeaders.Metadata] = upload.Metadata;
        if (upload.IsPartial)
            headers[TusHeaders.Concat] = UploadRecord.Partial;
        if (upload.Kind == UploadRecord.Final)
            headers[TusHeaders.Concat] = TusHeaders.FinalOf(upload.Parts);
        NameVideo(context, upload);
        headers.CacheControl = "no-store";
        if (upload.State == UploadRecord.Open)
            Expires(context, upload.ExpiresAt);
        return Results.Ok();
    }

    private async Task<IResult> AppendAsync(HttpContext context, string id)
    {
        var upload = await FindAsync(context, id);
        var (begin, length) = TusHeaders.Chunk(context.Request, upload);
        if (length is { } given)
            upload = await uploads.SetLengthAsync(upload, given, context.RequestAborted);
        var offset = await TakeAsync(context, upload, begin);
        if (offset is null)
            return Results.Empty;
        context.Response.Headers[TusHeaders.Offset] = Text(offset.Value);
        NameVideo(context, upload);
        if (offset != upload.LengthBytes)
            Expires(context, time.GetUtcNow() + options.ExpiresAfter);
        return Results.NoContent();
    }

    private async Task<IResult> TerminateAsync(HttpContext context, string id)
    {
        var upload = await FindAsync(context, id);
        await uploads.TakeBackAsync(upload, context.RequestAborted);
        return Results.NoContent();
    }

    private Task<long?> TakeAsync(HttpContext context, UploadRecord upload, long offset) =>
        intake.TakeAsync(context, upload, offset, ChunkChecksum.From(context.Request));

    private async Task<UploadRecord> FindAsync(HttpContext context, string id)
    {
        if (!VideoId.TryParse(id, null, out var videoId))
            throw UploadService.Missing(id);
        return await uploads.FindAsync(videoId, Ownership.Of(context), context.RequestAborted);
    }

    private async ValueTask<object?> CheckVersion(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (ResumableHeaders.IsDraft(http.Request))
            return await next(context);
        http.Response.Headers["Tus-Resumable"] = Version;
        if (http.Request.Method == HttpMethods.Options || http.Request.Headers["Tus-Resumable"] == Version)
            return await next(context);
        http.Response.Headers["Tus-Version"] = Version;
        return Results.Problem(
            $"This server speaks tus {Version}: send the header 'Tus-Resumable: {Version}'.",
            null,
            StatusCodes.Status412PreconditionFailed,
            "Another version of tus"
        );
    }

    private ValueTask<object?> AnswerDraft(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        ResumableHeaders.IsDraft(context.HttpContext.Request)
        && context.HttpContext.Request.Method != HttpMethods.Options
            ? resumable.AnswerAsync(context.HttpContext)
            : next(context);

    /// <summary>A part is no video, and the library does not know its id.</summary>
    private static void NameVideo(HttpContext context, UploadRecord upload)
    {
        if (!upload.IsPartial)
            context.Response.Headers["X-Video-Id"] = upload.VideoId.ToString();
    }

    private static void Expires(HttpContext context, DateTimeOffset at) =>
        context.Response.Headers["Upload-Expires"] = at.ToString("R", CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
