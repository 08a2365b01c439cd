using Microsoft.AspNetCore.Http;

namespace EventStream.Upload.Tus;

/// <summary>
/// A request body of at most a number of bytes. One byte more throws <see cref="UploadProblemException"/> (413) before
/// the last bytes within the bound are given out, so that a file which was cut there is never whole. What was read
/// waits for <paramref name="pace"/>, and the client with it, since nobody reads on.
/// </summary>
internal sealed class BoundedBody(Stream body, long bytesMax, Func<int, CancellationToken, ValueTask> pace) : Stream
{
    private long left = bytesMax;
    private bool ended;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (ended)
            return 0;
        var read =
            left == 0 ? 0 : await body.ReadAsync(buffer[..(int)Math.Min(buffer.Length, left)], cancellationToken);
        left -= read;
        if (read > 0)
            await pace(read, cancellationToken);
        if (left > 0)
            return read;
        // A body with a Content-Length ends here at once; only one without can go on.
        if (await body.ReadAsync(new byte[1], cancellationToken) > 0)
            throw TooLong();
        ended = true;
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>What a body beyond the announced length is answered with.</summary>
    internal static UploadProblemException TooLong() =>
        new(
            StatusCodes.Status413PayloadTooLarge,
            "More bytes than announced",
            "The body goes beyond the Upload-Length of this upload. Create a new upload with the file's true length."
        );
}
