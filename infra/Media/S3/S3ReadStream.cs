namespace EventStream.Media.S3;

/// <summary>
/// Reads an object where one is, by requests for ranges: the first is small, as players ask for little, and each that
/// follows without a jump is twice as large, up to a part. A connection that breaks is replaced a few times.
/// </summary>
internal sealed class S3ReadStream(S3Bucket bucket, string key, S3Object found) : Stream
{
    private const int WindowBytesMin = 1 << 20;
    private const int ReopeningsMax = 3;
    private Stream? window;
    private long windowEnd;
    private long windowBytes = WindowBytesMin;
    private long position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => found.SizeBytes;

    public override long Position
    {
        get => position;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        for (var broken = 0; position < Length; )
        {
            try
            {
                window ??= await OpenAsync(cancellationToken);
                var read = await window.ReadAsync(buffer, cancellationToken);
                position += read;
                if (position == windowEnd || read == 0)
                    CloseWindow();
                if (read > 0)
                    return read;
                if (position < windowEnd)
                    throw new EndOfStreamException($"'{key}' ended at {position}.");
            }
            catch (Exception e) when (e is IOException and not MediaStoreException or HttpRequestException)
            {
                CloseWindow();
                if (++broken > ReopeningsMax)
                    throw new MediaStoreException($"'{key}' cannot be read from {position} on: {e.Message}", e);
            }
        }

        return 0;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin)
    {
        var to =
            offset
            + origin switch
            {
                SeekOrigin.Begin => 0,
                SeekOrigin.Current => position,
                _ => Length,
            };
        ArgumentOutOfRangeException.ThrowIfNegative(to, nameof(offset));
        if (to == position)
            return to;
        CloseWindow();
        windowBytes = WindowBytesMin;
        return position = to;
    }

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("Read an object of S3 asynchronously.");

    public override void Flush() { }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            CloseWindow();
        base.Dispose(disposing);
    }

    private async Task<Stream> OpenAsync(CancellationToken cancellation)
    {
        var end = Math.Min(Length, position + windowBytes);
        var opened = await bucket.ReadAsync(key, found.ETag, position, end - 1, cancellation);
        windowEnd = end;
        windowBytes = Math.Min(windowBytes * 2, S3Bucket.PartBytes);
        return opened;
    }

    private void CloseWindow()
    {
        window?.Dispose();
        window = null;
    }
}
