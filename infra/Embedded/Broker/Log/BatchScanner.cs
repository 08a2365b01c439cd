using System.Buffers;
using EventStream.Embedded.Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// Walks the batches of a segment file in order, in chunks, and stops at the first one that is torn or implausible.
/// With <paramref name="verify"/> it checks every checksum too, which is what recovery after a crash needs.
/// </summary>
internal sealed class BatchScanner(
    SafeFileHandle file,
    long start,
    long end,
    bool verify,
    int chunkBytes = BatchScanner.ChunkBytes
) : IDisposable
{
    private const int ChunkBytes = 64 * 1024;
    private byte[] _chunk = ArrayPool<byte>.Shared.Rent(chunkBytes);
    private long _chunkStart = start;
    private int _chunkLength;
    private long _next = start;

    /// <summary>Where the current batch begins in the file.</summary>
    public long Position { get; private set; } = start;

    /// <summary>Where the batch after the current one begins: after the walk, the end of what is whole.</summary>
    public long EndPosition => _next;

    public BatchHeader Current { get; private set; }

    public bool MoveNext()
    {
        if (!Load(_next, BatchHeader.Size))
        {
            return false;
        }
        var header = BatchHeader.Read(Slice(_next, BatchHeader.Size));
        if (!IsPlausible(header) || _next + header.TotalBytes > end)
        {
            return false;
        }
        if (verify && !(Load(_next, header.TotalBytes) && BatchHeader.ChecksumMatches(Slice(_next, header.TotalBytes))))
        {
            return false;
        }
        Current = header;
        Position = _next;
        _next += header.TotalBytes;
        return true;
    }

    /// <summary>The bytes of the current batch.</summary>
    public ReadOnlySpan<byte> CurrentBytes() =>
        Load(Position, Current.TotalBytes) ? Slice(Position, Current.TotalBytes) : [];

    public void Dispose() => ArrayPool<byte>.Shared.Return(_chunk);

    private static bool IsPlausible(in BatchHeader header) =>
        header.TotalBytes >= BatchHeader.Size
        && header.Magic == 2
        && header.LastOffsetDelta >= 0
        && header.BaseOffset >= 0;

    private ReadOnlySpan<byte> Slice(long position, int count) => _chunk.AsSpan((int)(position - _chunkStart), count);

    private bool Load(long position, int count)
    {
        if (position + count > end)
        {
            return false;
        }
        if (position >= _chunkStart && position + count <= _chunkStart + _chunkLength)
        {
            return true;
        }
        if (count > _chunk.Length)
        {
            ArrayPool<byte>.Shared.Return(_chunk);
            _chunk = ArrayPool<byte>.Shared.Rent(count);
        }
        _chunkStart = position;
        var wanted = (int)Math.Min(_chunk.Length, end - position);
        _chunkLength = RandomAccess.Read(file, _chunk.AsSpan(0, wanted), position);
        return count <= _chunkLength;
    }
}
