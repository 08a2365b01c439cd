using System.Globalization;
using EventStream.Contracts;
using EventStream.Hosting.Access;
using EventStream.Upload.Uploads;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload.Tus;

/// <summary>
/// Resumable uploads by tus 1.0.0 with the extensions creation, creation-with-upload, checksum, termination and
/// expiration. The id of an upload is the id of its video, also sent as <c>X-Video-Id</c>.
/// </summary>
public sealed partial class TusApi(
    UploadService uploads, UploadOptions options, TimeProvider time,
    ILogger<TusApi> log)
{
    public const string Version = "1.0.0";
    public const string Extensions = "creation,creation-with-upload,checksum,termination,expiration";
    private const string ChunkType = "application/offset+octet-stream";

    /// <summary>The table of routes.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        var tus =
            routes.MapGroup("/v1/uploads").AddEndpointFilter(CheckVersion).AddEndpointFilter<UploadProblemFilter>()
                .RequireAuthorization(Policies.Publish);
        tus.MapMethods("/", ["OPTIONS"], Describe).AllowAnonymous();
        tus.MapMethods("/{id}", ["OPTIONS"], Describe).AllowAnonymous();
        tus.MapPost("/", (Delegate)CreateAsync);
        tus.MapMethods("/{id}", ["HEAD"], OffsetAsync);
        tus.MapMethods("/{id}", ["PATCH"], AppendAsync);
        tus.MapDelete("/{id}", TerminateAsync);
    }

    private IResult Describe(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers["Tus-Version"] = Version;
        headers["Tus-Extension"] = Extensions;
        headers["Tus-Max-Size"] = Text(options.MaxSizeBytes);
        headers["Tus-Checksum-Algorithm"] = ChunkChecksum.Algorithms;
        return Results.NoContent();
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var publisher = context.Caller()!.Name;
        var request = context.Request;
        if (request.Headers.ContainsKey("Upload-Defer-Length"))
            throw Bad("The length must be known",
                "Upload-Defer-Length is not supported: send Upload-Length with the file's size.");
        var length = Number(request, "Upload-Length");
        var metadata = TusMetadata.Parse(request.Headers["Upload-Metadata"].ToString());
        var upload = await uploads.CreateAsync(publisher, length, metadata, context.RequestAborted);
        var location = $"{request.Scheme}://{request.Host}{request.PathBase}/v1/uploads/{upload.VideoId}";
        context.Response.Headers["X-Video-Id"] = upload.VideoId.ToString();
        context.Response.Headers.Location = location;
        Expires(context, upload.ExpiresAt);
        if (IsChunk(request))
        {
            var offset = await TakeAsync(context, upload, 0);
            if (offset is null) return Results.Empty;
            context.Response.Headers["Upload-Offset"] = Text(offset.Value);
        }

        return Results.Created(location, new { videoId = upload.VideoId.ToString(), upload = location });
    }

    private async Task<IResult> OffsetAsync(HttpContext context, string id)
    {
        var upload = await FindAsync(context, id);
        var headers = context.Response.Headers;
        headers["Upload-Offset"] = Text(await uploads.OffsetAsync(upload, context.RequestAborted));
        headers["Upload-Length"] = Text(upload.LengthBytes);
        if (upload.Metadata.Length > 0) headers["Upload-Metadata"] = upload.Metadata;
        headers["X-Video-Id"] = upload.VideoId.ToString();
        headers.CacheControl = "no-store";
        if (upload.State == UploadRecord.Open) Expires(context, upload.ExpiresAt);
        return Results.Ok();
    }

    private async Task<IResult> AppendAsync(HttpContext context, string id)
    {
        var upload = await FindAsync(context, id);
        if (!IsChunk(context.Request))
            throw new UploadProblemException(
                StatusCodes.Status415UnsupportedMediaType,
                    "The chunk has another type", $"Send Content-Type: {ChunkType}.");
        var offset = await TakeAsync(context, upload, Number(context.Request, "Upload-Offset"));
        if (offset is null) return Results.Empty;
        context.Response.Headers["Upload-Offset"] = Text(offset.Value);
        context.Response.Headers["X-Video-Id"] = upload.VideoId.ToString();
        if (offset < upload.LengthBytes) Expires(context, time.GetUtcNow() + options.ExpiresAfter);
        return Results.NoContent();
    }

    private async Task<IResult> TerminateAsync(HttpContext context, string id)
    {
        var upload = await FindAsync(context, id);
        if (upload.State == UploadRecord.Completed)
            throw new UploadProblemException(
                StatusCodes.Status409Conflict, "The upload is a video already",
                    "A finished upload cannot be taken back here.");
        await uploads.EndAsync(
            upload, UploadRecord.Terminated, "The publisher took the upload back.", "Upload the file again.",
            context.RequestAborted);
        return Results.NoContent();
    }

    /// <summary>
    /// Stores the body. Null when the client went away, or was superseded: then nobody listens to an answer.
    /// </summary>
    private async Task<long?> TakeAsync(HttpContext context, UploadRecord upload, long offset)
    {
        // The length announced bounds the body, so Kestrel's own limit for ordinary requests does not apply.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>(
            ) is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        if (context.Request.ContentLength > upload.LengthBytes - offset) throw BoundedBody.TooLong();
        var checksum = ChunkChecksum.From(context.Request);
        try
        {
            return await uploads.AppendAsync(upload, offset, context.Request.Body, checksum, context.RequestAborted);
        }
        catch (Exception e) when (IsCut(e))
        {
            Cut(upload.VideoId, await uploads.OffsetAsync(upload, CancellationToken.None));
            context.Abort();
            return null;
        }
    }

    private async Task<UploadRecord> FindAsync(HttpContext context, string id)
    {
        var publisher = context.Caller()!.Name;
        if (!VideoId.TryParse(id, null, out var videoId))
            throw new UploadProblemException(
                StatusCodes.Status404NotFound,
                    "There is no such upload", $"'{id}' is not an upload's id: use the Location given.");
        return await uploads.FindAsync(videoId, publisher, context.RequestAborted);
    }

    private async ValueTask<object?> CheckVersion(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        http.Response.Headers["Tus-Resumable"] = Version;
        if (http.Request.Method == HttpMethods.Options || http.Request.Headers["Tus-Resumable"] == Version)
            return await next(context);
        http.Response.Headers["Tus-Version"] = Version;
        return Results.Problem(
            $"This server speaks tus {Version}: send the header 'Tus-Resumable: {Version}'.", null,
            StatusCodes.Status412PreconditionFailed, "Another version of tus");
    }

    private static bool IsCut(Exception e) =>
        e is OperationCanceledException or BadHttpRequestException { StatusCode: not 413 }
            or Microsoft.AspNetCore.Connections.ConnectionResetException
            or Microsoft.AspNetCore.Connections.ConnectionAbortedException;

    private static bool IsChunk(HttpRequest request) =>
        string.Equals(request.ContentType, ChunkType, StringComparison.OrdinalIgnoreCase);

    private static long Number(HttpRequest request, string header)
    {
        var text = request.Headers[header].ToString();
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Bad($"{header} is missing or wrong", $"Send {header} as a whole number of bytes; it was '{text}'.");
    }

    private static void Expires(HttpContext context, DateTimeOffset at) =>
        context.Response.Headers["Upload-Expires"] = at.ToString("R", CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static UploadProblemException Bad(string title, string detail) =>
        new(StatusCodes.Status400BadRequest, title, detail);

    [LoggerMessage(1, LogLevel.Information, "The connection of upload {Id} was cut; {Bytes} bytes are kept.")]
    private partial void Cut(VideoId id, long bytes);
}
