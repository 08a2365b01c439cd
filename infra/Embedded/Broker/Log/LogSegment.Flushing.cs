namespace EventStream.Embedded.Broker.Log;

internal sealed partial class LogSegment
{
    private const int RewriteBytes = 1024 * 1024;
    private readonly Lock _flushGate = new();
    private long _flushedSize;
    private bool _isFlushDoubtful;

    /// <summary>Whether everything that was appended has reached the disk itself.</summary>
    public bool IsFlushed => Volatile.Read(ref _flushedSize) == Size;

    /// <summary>Waits until the bytes have reached the disk itself; false when they had before.</summary>
    /// <exception cref="IOException">The disk refused; the next flush writes the same bytes once more.</exception>
    public bool Flush()
    {
        lock (_flushGate)
        {
            var size = Size;
            if (_flushedSize == size)
            {
                return false;
            }
            if (_isFlushDoubtful)
            {
                // After a failed flush the system takes the pages for clean: only writing them again tries again.
                Rewrite(_flushedSize, size);
            }
            _isFlushDoubtful = true;
            RandomAccess.FlushToDisk(_file);
            _isFlushDoubtful = false;
            Volatile.Write(ref _flushedSize, size);
            return true;
        }
    }

    /// <summary>Marks the segment as complete: from now on its index is on disk.</summary>
    public void Seal() => Index.Save(IndexPath(_path), Size, IsFlushed);

    /// <summary>Takes the mark away before the segment is appended to again.</summary>
    public void Unseal() => File.Delete(IndexPath(_path));

    private void Rewrite(long from, long to)
    {
        var chunk = new byte[(int)Math.Min(RewriteBytes, to - from)];
        while (from < to)
        {
            var read = RandomAccess.Read(_file, chunk.AsSpan(0, (int)Math.Min(chunk.Length, to - from)), from);
            if (read == 0)
            {
                return;
            }
            RandomAccess.Write(_file, chunk.AsSpan(0, read), from);
            from += read;
        }
    }
}
