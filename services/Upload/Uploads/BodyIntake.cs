using EventStream.Contracts;
using EventStream.Upload.Tus;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace EventStream.Upload.Uploads;

/// <summary>Stores the body of a request as the next bytes of an upload, by whichever protocol it came.</summary>
public sealed partial class BodyIntake(UploadService uploads, UploadOptions options, ILogger<BodyIntake> log)
{
    /// <summary>
    /// Returns the new offset in bytes; null when the client went away, or was superseded: then nobody listens to an
    /// answer. Throws <see cref="UploadProblemException"/>.
    /// </summary>
    internal async Task<long?> TakeAsync(HttpContext context, UploadRecord upload, long offset, ChunkChecksum? checksum)
    {
        // The length announced bounds the body, so Kestrel's own limit for ordinary requests does not apply.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = null;
        if (context.Request.ContentLength > (upload.LengthBytes ?? options.MaxSizeBytes) - offset)
            throw BoundedBody.TooLong();
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

    private static bool IsCut(Exception e) =>
        e
            is OperationCanceledException
                or BadHttpRequestException { StatusCode: not 413 }
                or Microsoft.AspNetCore.Connections.ConnectionResetException
                or Microsoft.AspNetCore.Connections.ConnectionAbortedException;

    [LoggerMessage(1, LogLevel.Information, "The connection of upload {Id} was cut; {Bytes} bytes are kept.")]
    private partial void Cut(VideoId id, long bytes);
}
