using System.Globalization;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Upload.Uploads;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload.Resumable;

/// <summary>
/// Resumable uploads by the IETF's draft, over the same uploads and at the same addresses as tus: a request with
/// <see cref="ResumableHeaders.Version"/> is one of the draft. Interim responses (104) are not sent, since Kestrel has
/// none of its own; a client that wants the address before it sends a byte creates the upload without a body.
/// </summary>
public sealed class ResumableApi(
    UploadCreation creations,
    UploadService uploads,
    BodyIntake intake,
    UploadOptions options,
    TimeProvider time
)
{
    private const string MismatchType = "https://iana.org/assignments/http-problem-types#mismatching-upload-offset";
    private const string CompletedType = "https://iana.org/assignments/http-problem-types#completed-upload";

    /// <summary>Answers a request of the draft. Throws <see cref="UploadProblemException"/>.</summary>
    internal async ValueTask<object?> AnswerAsync(HttpContext context)
    {
        ResumableHeaders.CheckVersion(context.Request);
        context.Response.Headers[ResumableHeaders.Version] = context.Request.Headers[ResumableHeaders.Version];
        var id = context.Request.RouteValues["id"] as string;
        try
        {
            return context.Request.Method switch
            {
                "POST" => await CreateAsync(context),
                "HEAD" => await OffsetAsync(context, id!),
                "PATCH" => await AppendAsync(context, id!),
                "DELETE" => await CancelAsync(context, id!),
                _ => Results.StatusCode(StatusCodes.Status405MethodNotAllowed),
            };
        }
        catch (UploadProblemException)
        {
            // The answer is this protocol's own, and says nothing of the video.
            context.Response.Headers[ResumableHeaders.Complete] = ResumableHeaders.Text(false);
            throw;
        }
    }

    /// <summary>The bounds of uploads, as every answer about one names them.</summary>
    internal static string Limits(UploadOptions options, TimeSpan? left = null)
    {
        var size = string.Create(CultureInfo.InvariantCulture, $"max-size={options.MaxSizeBytes}");
        return left is { } age
            ? string.Create(CultureInfo.InvariantCulture, $"{size}, max-age={Math.Max(0, (long)age.TotalSeconds)}")
            : size;
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var (creation, complete) = ResumableHeaders.Creation(context.Request);
        var checksum = ResumableHeaders.Checksum(context.Request);
        var upload = await creations.CreateAsync(context.Caller()!.Name, creation, context.RequestAborted);
        var location = $"{context.PublicUrl()}/v1/uploads/{upload.VideoId}";
        context.Response.Headers.Location = location;
        // Of a creation that comes again, the first bytes may be there: the client goes on from the offset.
        var held = creation.IdempotencyKey is null ? 0 : await uploads.OffsetAsync(upload, context.RequestAborted);
        var takes = held == 0;
        if (takes && (complete || context.Request.ContentLength is not 0))
        {
            if (await intake.TakeAsync(context, upload, 0, checksum) is not { } taken)
                return Results.Empty;
            held = taken;
        }

        var isWhole = await EndAsync(context, upload, held, complete && takes);
        Describe(context, upload, held, isWhole);
        return Results.Created(location, new { videoId = upload.VideoId.ToString(), upload = location });
    }

    private async Task<IResult> OffsetAsync(HttpContext context, string id)
    {
        var upload = await FindAsync(context, id);
        if (upload.LengthBytes is { } length)
            context.Response.Headers[ResumableHeaders.Length] = Text(length);
        Describe(context, upload, await uploads.OffsetAsync(upload, context.RequestAborted), upload.IsWhole);
        context.Response.Headers.CacheControl = "no-store";
        return Results.NoContent();
    }

    private async Task<IResult> AppendAsync(HttpContext context, string id)
    {
        var upload = await FindAsync(context, id);
        var (offset, length, complete) = ResumableHeaders.Append(context.Request);
        var held = await uploads.OffsetAsync(upload, context.RequestAborted);
        if (held != offset)
            return Mismatch(context, held, offset);
        if (upload.IsWhole && !(complete && context.Request.ContentLength is 0))
            throw new UploadProblemException(
                StatusCodes.Status400BadRequest,
                "The upload is complete",
                "Its file is a video already; create a new upload for another file."
            )
            {
                Type = CompletedType,
            };
        if (length is { } given)
            upload = await uploads.SetLengthAsync(upload, given, context.RequestAborted);
        if (!upload.IsWhole && context.Request.ContentLength is not 0)
        {
            var checksum = ResumableHeaders.Checksum(context.Request);
            if (await intake.TakeAsync(context, upload, offset, checksum) is not { } taken)
                return Results.Empty;
            held = taken;
        }

        var isWhole = await EndAsync(context, upload, held, complete);
        Describe(context, upload, held, isWhole);
        return isWhole ? Results.Ok(new { videoId = upload.VideoId.ToString() }) : Results.NoContent();
    }

    private async Task<IResult> CancelAsync(HttpContext context, string id)
    {
        await uploads.TakeBackAsync(await FindAsync(context, id), context.RequestAborted);
        return Results.NoContent();
    }

    /// <summary>Whether the file is whole; where its end is reached only now, its length is known only now.</summary>
    private async Task<bool> EndAsync(HttpContext context, UploadRecord upload, long held, bool complete)
    {
        if (held == upload.LengthBytes && held > 0)
        {
            await uploads.FinishIfOpenAsync(upload.VideoId, context.RequestAborted);
            return true;
        }

        if (!complete)
            return false;
        upload = await uploads.SetLengthAsync(upload, held, context.RequestAborted);
        await uploads.FinishIfOpenAsync(upload.VideoId, context.RequestAborted);
        return true;
    }

    private IResult Mismatch(HttpContext context, long held, long sent)
    {
        context.Response.Headers[ResumableHeaders.Offset] = Text(held);
        context.Response.Headers[ResumableHeaders.Complete] = ResumableHeaders.Text(false);
        return Results.Problem(
            $"The upload holds {held} bytes and the body begins at {sent}. Go on from Upload-Offset.",
            null,
            StatusCodes.Status409Conflict,
            "The offset differs",
            MismatchType,
            new Dictionary<string, object?> { ["expected-offset"] = held, ["provided-offset"] = sent }
        );
    }

    private void Describe(HttpContext context, UploadRecord upload, long held, bool isWhole)
    {
        var headers = context.Response.Headers;
        headers[ResumableHeaders.Offset] = Text(held);
        headers[ResumableHeaders.Complete] = ResumableHeaders.Text(isWhole);
        headers[ResumableHeaders.Limit] = Limits(options, isWhole ? null : upload.ExpiresAt - time.GetUtcNow());
        headers["X-Video-Id"] = upload.VideoId.ToString();
    }

    /// <summary>Parts, and what is joined from them, are of tus only.</summary>
    private async Task<UploadRecord> FindAsync(HttpContext context, string id)
    {
        if (!VideoId.TryParse(id, null, out var videoId))
            throw UploadService.Missing(id);
        var upload = await uploads.FindAsync(videoId, Ownership.Of(context), context.RequestAborted);
        return upload.Kind == UploadRecord.Whole ? upload : throw UploadService.Missing(id);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
