using EventStream.Contracts;
using EventStream.Media;
using EventStream.Upload.Tus;
using Microsoft.AspNetCore.Http;

namespace EventStream.Upload.Uploads;

/// <summary>
/// Makes a final upload of parts, which are appended and deleted one after the other, so that the file is never held
/// twice as a whole. The size of the file says how far that is: a process that goes on with it needs nothing else.
/// </summary>
public sealed class UploadJoiner(UploadTable table, UploadQuota quota, IMediaStore media, UploadHashes hashes)
{
    /// <summary>
    /// Adds a final upload and takes its parts; the same creation sent again finds the upload it made. Throws
    /// <see cref="UploadProblemException"/>: 400 for what is no part of the publisher, 409 for one that is not whole or
    /// belongs to another file, 413 for too large a sum, 429.
    /// </summary>
    internal async Task<UploadRecord> FindOrAddAsync(
        string publisher,
        TusCreation creation,
        Func<long, UploadRecord> make,
        CancellationToken cancellation
    )
    {
        quota.CheckRate(publisher);
        var known = (await table.ListAsync(creation.Parts, cancellation)).ToDictionary(part => part.VideoId);
        foreach (var id in creation.Parts)
        {
            if (!known.TryGetValue(id, out var part) || !part.IsPartial || part.Publisher != publisher)
                throw new UploadProblemException(
                    StatusCodes.Status400BadRequest,
                    "There is no such part",
                    $"'{id}' is none of your partial uploads. Name the Location that its creation answered."
                );
        }

        if (await table.FindFinalAsync(creation.Parts, cancellation) is { } made)
            return made;
        if (creation.Parts.Select(id => known[id]).FirstOrDefault(p => p.State != UploadRecord.Completed) is { } other)
            throw NotWhole(other);
        var length = creation.Parts.Sum(id => known[id].LengthBytes!.Value);
        quota.CheckLength(length, creation.Kind);
        var upload = make(length);
        if (await table.InsertFinalAsync(upload, cancellation))
            return upload;
        return await table.FindFinalAsync(creation.Parts, cancellation) ?? throw NotWhole(known[creation.Parts[0]]);
    }

    /// <summary>Appends what is not yet appended, under the lease of the final upload.</summary>
    internal async Task JoinAsync(UploadRecord upload, CancellationToken cancellation)
    {
        var lengths = (await table.ListAsync(upload.Parts, cancellation)).ToDictionary(
            part => part.VideoId,
            part => part.LengthBytes!.Value
        );
        var begin = 0L;
        foreach (var part in upload.Parts)
        {
            var held = (await media.StatAsync(upload.SourceKey, cancellation))?.SizeBytes ?? 0;
            if (held < begin + lengths[part])
                await AppendAsync(upload, part, held, held - begin, cancellation);
            await media.DeleteAsync(UploadRecord.PartKey(part), cancellation);
            begin += lengths[part];
        }
    }

    private async Task AppendAsync(
        UploadRecord upload,
        VideoId part,
        long held,
        long from,
        CancellationToken cancellation
    )
    {
        await using var content = await media.OpenReadAsync(UploadRecord.PartKey(part), cancellation);
        content.Seek(from, SeekOrigin.Begin);
        await hashes.AppendAsync(upload, held, content, cancellation);
    }

    private static UploadProblemException NotWhole(UploadRecord part) =>
        new(
            StatusCodes.Status409Conflict,
            "A part cannot be joined",
            part.State == UploadRecord.Open
                ? $"'{part.VideoId}' has bytes to come. Finish every part before the final upload."
                : $"'{part.VideoId}' was {part.State} before. Upload the part again."
        );
}
