using System.Collections.Concurrent;
using System.Security.Cryptography;
using EventStream.Contracts;
using EventStream.Media;

namespace EventStream.Upload.Uploads;

/// <summary>
/// Hashes files while their bytes arrive, so that the last request need not read a file again. A hash is of exactly the
/// bytes that the store holds: it is let go where the two part, as after a broken write, after a restart, or when
/// another process took a chunk. Such a file is read once it is whole.
/// </summary>
public sealed class UploadHashes(IMediaStore media) : IDisposable
{
    /// <summary>
    /// Most files that are hashed at once, each some hundred bytes; for one more the one that waits longest for its
    /// next chunk is let go.
    /// </summary>
    public const int FilesMax = 10_000;

    private readonly ConcurrentDictionary<VideoId, Running> all = new();
    private long turns;

    /// <summary>
    /// Appends to the key of an upload as <see cref="IMediaStore.AppendAsync"/> does. The caller holds its lease.
    /// </summary>
    public async Task<long> AppendAsync(
        UploadRecord upload,
        long offset,
        Stream content,
        CancellationToken cancellation
    )
    {
        var (id, key) = (upload.VideoId, upload.SourceKey);
        var running = IsWanted(upload) ? At(id, offset) : null;
        if (running is null)
            return await media.AppendAsync(key, offset, content, cancellation);
        var held = -1L;
        try
        {
            await using var hashed = new HashedStream(content, running);
            return held = await media.AppendAsync(key, offset, hashed, cancellation);
        }
        finally
        {
            // A connection that broke leaves what arrived before; a write that failed leaves less.
            if (held < 0)
                held = await HeldAsync(key);
            if (held != running.Bytes)
                Forget(id);
        }
    }

    /// <summary>
    /// The SHA-256 of a whole, sealed upload as lower-case hex, from the bytes as they came, or else by reading the
    /// key; empty for a part that announced none.
    /// </summary>
    public async Task<string> WholeAsync(UploadRecord upload, CancellationToken cancellation)
    {
        if (!IsWanted(upload))
            return "";
        if (all.TryGetValue(upload.VideoId, out var running) && running.Bytes == upload.LengthBytes)
            return Convert.ToHexStringLower(running.Hash.GetCurrentHash());
        await using var content = await media.OpenReadAsync(upload.SourceKey, cancellation);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation));
    }

    /// <summary>Lets go what is known of an upload that has ended.</summary>
    public void Forget(VideoId id)
    {
        if (all.TryRemove(id, out var running))
            running.Hash.Dispose();
    }

    public void Dispose()
    {
        foreach (var id in all.Keys)
            Forget(id);
    }

    /// <summary>A part is hashed when it is joined to its file, and before that only if it announced a hash.</summary>
    private static bool IsWanted(UploadRecord upload) => !upload.IsPartial || upload.Sha256 is not null;

    /// <summary>The hash of the bytes before <paramref name="offset"/>, or null where it is not known.</summary>
    private Running? At(VideoId id, long offset)
    {
        if (!all.TryGetValue(id, out var running) || running.Bytes != offset)
        {
            Forget(id);
            if (offset > 0)
                return null;
            if (all.Count >= FilesMax)
                all.TryRemove(all.MinBy(file => file.Value.Turn));
            running = all[id] = new Running();
        }

        running.Turn = Interlocked.Increment(ref turns);
        return running;
    }

    private async Task<long> HeldAsync(string key)
    {
        try
        {
            return (await media.StatAsync(key, CancellationToken.None))?.SizeBytes ?? 0;
        }
        catch (IOException)
        {
            return -1;
        }
    }

    private sealed class Running
    {
        public IncrementalHash Hash { get; } = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public long Bytes { get; set; }

        public long Turn { get; set; }
    }

    /// <summary>Hashes what is read through it; the stream below is the caller's.</summary>
    private sealed class HashedStream(Stream below, Running running) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            var read = await below.ReadAsync(buffer, cancellationToken);
            running.Hash.AppendData(buffer.Span[..read]);
            running.Bytes += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = below.Read(buffer, offset, count);
            running.Hash.AppendData(buffer, offset, read);
            running.Bytes += read;
            return read;
        }

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
