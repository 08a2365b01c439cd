using System.Runtime.CompilerServices;

namespace EventStream.Media.S3;

/// <summary>
/// Media in a bucket. A small object is put in one request, a large one in parts that appear together; a growing key is
/// a <see cref="GrowingKey"/> until it is sealed.
/// </summary>
public sealed class S3MediaStore : IMediaStore, IDisposable
{
    private readonly S3Bucket bucket;
    private readonly LocalCopies local;

    /// <summary>Uses a bucket; nothing is sent yet.</summary>
    public S3MediaStore(S3Options options)
    {
        bucket = new S3Bucket(options);
        local = new LocalCopies(options.LocalFolder, options.LocalBytesMax);
    }

    public void Dispose()
    {
        bucket.Dispose();
        local.Dispose();
    }

    public async Task<MediaStat?> StatAsync(string key, CancellationToken cancellation)
    {
        Check(key);
        if (await bucket.FindAsync(key, cancellation) is { } whole)
            return new MediaStat(whole.SizeBytes, whole.WrittenAt);
        return await GrowingKey.FindAsync(bucket, key, cancellation) is { } growing
            ? new MediaStat(growing.SizeBytes, growing.WrittenAt)
            : null;
    }

    public async Task<MediaContent> OpenAsync(string key, CancellationToken cancellation)
    {
        Check(key);
        var found = await bucket.FindAsync(key, cancellation) ?? throw new MediaNotFoundException(key);
        return new MediaContent(new MediaStat(found.SizeBytes, found.WrittenAt), new S3ReadStream(bucket, key, found));
    }

    public async Task WriteAsync(string key, Stream content, CancellationToken cancellation)
    {
        Check(key);
        if (content.CanSeek && content.Length - content.Position <= S3Bucket.PartBytes)
        {
            await bucket.PutAsync(key, content, cancellation);
            return;
        }

        var upload = await bucket.BeginAsync(key, cancellation);
        try
        {
            var parts = await PutPartsAsync(key, upload, content, cancellation);
            await bucket.CompleteAsync(key, upload, parts, cancellation);
        }
        catch
        {
            await bucket.AbortAsync(key, upload, CancellationToken.None);
            throw;
        }
    }

    public async Task<long> AppendAsync(string key, long offset, Stream content, CancellationToken cancellation)
    {
        Check(key);
        if (await bucket.FindAsync(key, cancellation) is { } whole)
        {
            if (whole.SizeBytes != offset)
                throw new MediaOffsetException(key, offset, whole.SizeBytes);
            return await content.ReadAsync(new byte[1], cancellation) == 0
                ? offset
                : throw new MediaStoreException($"'{key}' is sealed and takes no more bytes.");
        }

        var growing = await GrowingKey.FindAsync(bucket, key, cancellation) ?? new GrowingKey(bucket, key);
        if (growing.SizeBytes != offset)
            throw new MediaOffsetException(key, offset, growing.SizeBytes);
        await using var part = local.OpenScratch();
        try
        {
            await growing.AppendAsync(content, part, cancellation);
        }
        catch (MediaChangedException)
        {
            var now = await GrowingKey.FindAsync(bucket, key, cancellation);
            throw new MediaOffsetException(key, offset, now?.SizeBytes ?? 0);
        }

        return growing.SizeBytes;
    }

    public async Task SealAsync(string key, CancellationToken cancellation)
    {
        Check(key);
        if (await GrowingKey.FindAsync(bucket, key, cancellation) is not { } growing)
            return;
        // A process may have died between the last step of sealing and its clean-up.
        if (await bucket.FindAsync(key, cancellation) is null)
        {
            await using var part = local.OpenScratch();
            await growing.SealAsync(part, cancellation);
        }

        await growing.ForgetAsync(cancellation);
    }

    public async Task DeleteAsync(string key, CancellationToken cancellation)
    {
        Check(key);
        await bucket.DeleteAsync(key, cancellation);
        if (await GrowingKey.FindAsync(bucket, key, cancellation) is not { } growing)
            return;
        await growing.AbortAsync(cancellation);
        await growing.ForgetAsync(cancellation);
    }

    public async IAsyncEnumerable<string> ListAsync(
        string prefix,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        var folder = prefix.TrimEnd('/');
        Check(folder);
        await foreach (var key in bucket.ListAsync(folder + "/", cancellation))
            yield return key;
    }

    public async Task<LocalMedia> FetchAsync(string key, CancellationToken cancellation)
    {
        Check(key);
        var found = await bucket.FindAsync(key, cancellation) ?? throw new MediaNotFoundException(key);
        return await local.GetAsync(
            key,
            found.SizeBytes,
            (path, stop) => DownloadAsync(key, found, path, stop),
            cancellation
        );
    }

    public Task<string?> TroubleAsync(CancellationToken cancellation) => bucket.TroubleAsync(cancellation);

    private static void Check(string key)
    {
        if (!MediaKeys.IsValid(key))
            throw new InvalidMediaKeyException(key);
    }

    /// <summary>Sends parts side by side while the next ones are read.</summary>
    private async Task<IReadOnlyList<S3Part>> PutPartsAsync(
        string key,
        string upload,
        Stream content,
        CancellationToken cancellation
    )
    {
        var parts = new SortedList<int, S3Part>();
        await Parallel.ForEachAsync(
            PartsOf(content, cancellation),
            Parallelism(cancellation),
            async (part, stop) =>
            {
                var stored = await bucket.PutPartAsync(key, upload, part.Number, part.Content, stop);
                lock (parts)
                    parts.Add(part.Number, stored);
            }
        );
        return [.. parts.Values];
    }

    private static async IAsyncEnumerable<(int Number, MemoryStream Content)> PartsOf(
        Stream content,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        for (var number = 1; ; number++)
        {
            var buffer = new byte[S3Bucket.PartBytes];
            var read = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
            if (read > 0 || number == 1)
                yield return (number, new MemoryStream(buffer, 0, read, writable: false));
            if (read < buffer.Length)
                yield break;
        }
    }

    private async Task DownloadAsync(string key, S3Object found, string path, CancellationToken cancellation)
    {
        using var file = File.OpenHandle(
            path,
            FileMode.Create,
            FileAccess.Write,
            FileShare.None,
            FileOptions.Asynchronous,
            found.SizeBytes
        );
        await Parallel.ForEachAsync(
            Enumerable.Range(0, (int)((found.SizeBytes + S3Bucket.PartBytes - 1) / S3Bucket.PartBytes)),
            Parallelism(cancellation),
            async (part, stop) =>
            {
                var first = (long)part * S3Bucket.PartBytes;
                var buffer = new byte[Math.Min(S3Bucket.PartBytes, found.SizeBytes - first)];
                await using var content = new S3ReadStream(bucket, key, found) { Position = first };
                await content.ReadExactlyAsync(buffer, stop);
                await RandomAccess.WriteAsync(file, buffer, first, stop);
            }
        );
    }

    private static ParallelOptions Parallelism(CancellationToken cancellation) =>
        new() { MaxDegreeOfParallelism = S3Bucket.ParallelParts, CancellationToken = cancellation };
}
