using System.Buffers;

namespace EventStream.Embedded.Broker.Compression;

/// <summary>
/// Where the records of a compressed batch are unpacked to: one pooled array that grows up to a bound, so that a small
/// batch cannot unpack to a large part of the memory. It is used again for batch after batch.
/// </summary>
internal sealed class UnpackBuffer(int bytesMax) : IDisposable
{
    private const int InitialBytes = 16 * 1024;
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(InitialBytes);
    private int _length;

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    public int Length => _length;

    /// <summary>Whether the bound was reached, so that what is written is not all.</summary>
    public bool IsFull { get; private set; }

    public void Clear()
    {
        _length = 0;
        IsFull = false;
    }

    /// <summary>Adds room for <paramref name="count"/> bytes and returns it for the caller to fill.</summary>
    /// <exception cref="InvalidDataException">The bound is reached.</exception>
    public Span<byte> Grow(int count)
    {
        if (count < 0 || count > bytesMax - _length)
        {
            IsFull = count >= 0;
            throw new InvalidDataException($"The batch unpacks to more than {bytesMax} bytes.");
        }
        if (_length + count > _bytes.Length)
        {
            var wanted = Math.Min(Math.Max(2L * _bytes.Length, _length + count), bytesMax);
            var larger = ArrayPool<byte>.Shared.Rent((int)wanted);
            Written.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }
        _length += count;
        return _bytes.AsSpan(_length - count, count);
    }

    /// <summary>Appends everything that the stream gives.</summary>
    public void ReadAll(Stream source)
    {
        var chunk = ArrayPool<byte>.Shared.Rent(InitialBytes);
        try
        {
            for (int read; (read = source.Read(chunk)) > 0; )
            {
                chunk.AsSpan(0, read).CopyTo(Grow(read));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
}
