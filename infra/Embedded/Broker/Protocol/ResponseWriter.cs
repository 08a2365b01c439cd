using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace EventStream.Embedded.Broker.Protocol;

/// <summary>
/// Writes one response into a pooled buffer that grows as needed. When <see cref="Flexible"/> is set, strings, bytes
/// and arrays are written in their compact form and <see cref="WriteTags"/> writes the empty set of tagged fields. A
/// field that came with a later version of its API is written with <c>since</c>, and left out before.
/// </summary>
internal sealed class ResponseWriter : IDisposable
{
    private const int InitialBytes = 1024;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(InitialBytes);

    public bool Flexible { get; set; }

    /// <summary>The version of the API in which the response is written.</summary>
    public short Version { get; set; }

    public int Length { get; private set; }

    /// <summary>The bytes that one response may have.</summary>
    public int BytesMax { get; set; } = Array.MaxLength;

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, Length);

    /// <summary>Begins a response: four bytes for the size, then the correlation id.</summary>
    public void Begin(int correlationId, bool flexibleHeader)
    {
        Length = 0;
        Flexible = false;
        WriteInt32(0);
        WriteInt32(correlationId);
        if (flexibleHeader)
        {
            WriteByte(0);
        }
    }

    /// <summary>Begins a response that is no more than its bytes, with the size before them.</summary>
    public void BeginRaw()
    {
        Length = 0;
        Flexible = false;
        WriteInt32(0);
    }

    /// <summary>Fills in the size of the frame.</summary>
    public void End() => BinaryPrimitives.WriteInt32BigEndian(_buffer, Length - 4);

    /// <summary>Gives a buffer that grew beyond <paramref name="keepBytes"/> back to the pool.</summary>
    public void Shrink(int keepBytes)
    {
        if (_buffer.Length > keepBytes)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = ArrayPool<byte>.Shared.Rent(InitialBytes);
        }
        Length = 0;
    }

    public void WriteByte(byte value, short since = 0)
    {
        if (Version >= since)
        {
            Grow(1)[0] = value;
        }
    }

    public void WriteBoolean(bool value, short since = 0) => WriteByte(value ? (byte)1 : (byte)0, since);

    public void WriteInt16(short value, short since = 0)
    {
        if (Version >= since)
        {
            BinaryPrimitives.WriteInt16BigEndian(Grow(2), value);
        }
    }

    public void WriteError(ErrorCode value, short since = 0) => WriteInt16((short)value, since);

    /// <summary>Writes the sentence that belongs to an error, null for none.</summary>
    public void WriteSentence(ErrorCode value, short since = 0) =>
        WriteString(value == ErrorCode.None ? null : Errors.Sentence(value), since);

    public void WriteInt32(int value, short since = 0)
    {
        if (Version >= since)
        {
            BinaryPrimitives.WriteInt32BigEndian(Grow(4), value);
        }
    }

    public void WriteInt64(long value, short since = 0)
    {
        if (Version >= since)
        {
            BinaryPrimitives.WriteInt64BigEndian(Grow(8), value);
        }
    }

    public void WriteUuid(Guid value, short since = 0)
    {
        if (Version >= since)
        {
            value.TryWriteBytes(Grow(16), bigEndian: true, out _);
        }
    }

    public void WriteUnsignedVarint(uint value)
    {
        while (value >= 0x80)
        {
            WriteByte((byte)(value | 0x80));
            value >>= 7;
        }
        WriteByte((byte)value);
    }

    public void WriteString(string? value, short since = 0)
    {
        if (Version < since)
        {
            return;
        }
        var bytes = value is null ? -1 : Encoding.UTF8.GetByteCount(value);
        if (Flexible)
        {
            WriteUnsignedVarint((uint)(bytes + 1));
        }
        else
        {
            WriteInt16((short)bytes);
        }
        if (bytes > 0)
        {
            Encoding.UTF8.GetBytes(value, Grow(bytes));
        }
    }

    public void WriteBytes(ReadOnlySpan<byte> value)
    {
        WriteArrayLength(value.Length);
        value.CopyTo(Grow(value.Length));
    }

    /// <summary>Leaves room for the size of bytes that follow; <see cref="CloseBytes"/> fills it in.</summary>
    public int OpenBytes()
    {
        Grow(Flexible ? 5 : 4);
        return Length;
    }

    /// <summary>
    /// Fills in the size of the bytes written since <see cref="OpenBytes"/>; a compact one as a varint of full
    /// length.
    /// </summary>
    public void CloseBytes(int start)
    {
        if (!Flexible)
        {
            PatchInt32(start - 4, Length - start);
            return;
        }
        var value = (uint)(Length - start + 1);
        for (var i = start - 5; i < start - 1; i++, value >>= 7)
        {
            _buffer[i] = (byte)(value | 0x80);
        }
        _buffer[start - 1] = (byte)value;
    }

    /// <summary>The count of an array; -1 writes null.</summary>
    public void WriteArrayLength(int count)
    {
        if (Flexible)
        {
            WriteUnsignedVarint((uint)(count + 1));
        }
        else
        {
            WriteInt32(count);
        }
    }

    public void WriteInt32Array(ReadOnlySpan<int> values, short since = 0)
    {
        if (Version < since)
        {
            return;
        }
        WriteArrayLength(values.Length);
        foreach (var value in values)
        {
            WriteInt32(value);
        }
    }

    /// <summary>Writes an array of structures, each of which ends with tagged fields.</summary>
    public void WriteArray<T>(IReadOnlyCollection<T> values, Action<T> writeFields)
    {
        WriteArrayLength(values.Count);
        foreach (var value in values)
        {
            writeFields(value);
            WriteTags();
        }
    }

    public void WriteTags()
    {
        if (Flexible)
        {
            WriteByte(0);
        }
    }

    /// <summary>Adds room for <paramref name="count"/> bytes and returns it for the caller to fill.</summary>
    /// <exception cref="MalformedRequestException">They would exceed <see cref="BytesMax"/>.</exception>
    public Span<byte> Grow(int count)
    {
        if (count > BytesMax - Length)
        {
            throw new MalformedRequestException($"the answer would exceed {BytesMax} bytes");
        }
        if (Length + count > _buffer.Length)
        {
            var doubled = Math.Min((long)_buffer.Length * 2, BytesMax);
            var larger = ArrayPool<byte>.Shared.Rent((int)Math.Max(doubled, Length + count));
            _buffer.AsSpan(0, Length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
        Length += count;
        return _buffer.AsSpan(Length - count, count);
    }

    /// <summary>Takes back bytes that were reserved by <see cref="Grow"/> and not filled.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Overwrites four bytes written earlier, for a count or size that is known only afterwards.</summary>
    public void PatchInt32(int position, int value) =>
        BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(position, 4), value);

    /// <summary>Overwrites an error written earlier.</summary>
    public void PatchError(int position, ErrorCode value) =>
        BinaryPrimitives.WriteInt16BigEndian(_buffer.AsSpan(position, 2), (short)value);

    /// <summary>The bytes from <paramref name="start"/> on, for the caller to look at or fill.</summary>
    public Span<byte> From(int start) => _buffer.AsSpan(start, Length - start);

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);
}
