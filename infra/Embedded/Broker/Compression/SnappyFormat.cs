using System.Buffers.Binary;

namespace EventStream.Embedded.Broker.Compression;

/// <summary>
/// Snappy as Kafka's clients use it: either one raw block, or the framing of the Java library (a header of 16 bytes,
/// then blocks preceded by their size). The block format is Google's format_description.txt.
/// </summary>
internal static class SnappyFormat
{
    private const int FrameHeadBytes = 16;
    private const int FrameBlockBytes = 32 * 1024;
    private const int CopyBytesMax = 64;

    private static ReadOnlySpan<byte> FrameMagic => [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];

    /// <exception cref="InvalidDataException">The bytes are no Snappy block.</exception>
    public static void Unpack(ReadOnlySpan<byte> packed, UnpackBuffer into)
    {
        if (!packed.StartsWith(FrameMagic))
        {
            UnpackBlock(packed, into);
            return;
        }
        var rest = packed.Length >= FrameHeadBytes ? packed[FrameHeadBytes..] : [];
        while (rest.Length > 0)
        {
            var size = rest.Length >= 4 ? BinaryPrimitives.ReadInt32BigEndian(rest) : -1;
            if (size < 0 || size > rest.Length - 4)
            {
                throw new InvalidDataException("A Snappy frame is cut short.");
            }
            UnpackBlock(rest.Slice(4, size), into);
            rest = rest[(4 + size)..];
        }
    }

    /// <summary>Packs into the Java library's framing, which every client can read.</summary>
    public static byte[] Pack(ReadOnlySpan<byte> records)
    {
        using var target = new MemoryStream();
        Span<byte> word = stackalloc byte[4];
        target.Write(FrameMagic);
        BinaryPrimitives.WriteInt32BigEndian(word, 1);
        target.Write(word);
        target.Write(word);
        for (var at = 0; at < records.Length; at += FrameBlockBytes)
        {
            var sizeAt = target.Position;
            target.Write(word);
            PackBlock(records.Slice(at, Math.Min(FrameBlockBytes, records.Length - at)), target);
            BinaryPrimitives.WriteInt32BigEndian(word, (int)(target.Position - sizeAt - 4));
            word.CopyTo(target.GetBuffer().AsSpan((int)sizeAt));
        }
        return target.ToArray();
    }

    private static void UnpackBlock(ReadOnlySpan<byte> block, UnpackBuffer into)
    {
        var (position, size, start) = (0, 0L, into.Length);
        for (var shift = 0; ; shift += 7)
        {
            var b = Byte(block, position++);
            size |= (long)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                break;
            }
            if (shift >= 28)
            {
                throw new InvalidDataException("The size of a Snappy block is no varint.");
            }
        }
        while (position < block.Length)
        {
            position = UnpackElement(block, position, into);
        }
        if (into.Length - start != size)
        {
            throw new InvalidDataException("A Snappy block is not as long as it says.");
        }
    }

    private static int UnpackElement(ReadOnlySpan<byte> block, int position, UnpackBuffer into)
    {
        var tag = block[position++];
        switch (tag & 3)
        {
            case 0:
                return UnpackLiteral(block, position, tag >> 2, into);
            case 1:
                into.Repeat((tag & 0xe0) << 3 | Byte(block, position), (tag >> 2 & 7) + 4);
                return position + 1;
            case 2:
                into.Repeat(Byte(block, position) | Byte(block, position + 1) << 8, (tag >> 2) + 1);
                return position + 2;
            default:
                var distance = LittleEndian(block, position, 4);
                into.Repeat((int)Math.Min(distance, int.MaxValue), (tag >> 2) + 1);
                return position + 4;
        }
    }

    private static int UnpackLiteral(ReadOnlySpan<byte> block, int position, int code, UnpackBuffer into)
    {
        var sizeBytes = Math.Max(code - 59, 0);
        var size = (sizeBytes == 0 ? code : LittleEndian(block, position, sizeBytes)) + 1;
        position += sizeBytes;
        if (size > block.Length - position)
        {
            throw new InvalidDataException("A Snappy literal is cut short.");
        }
        block.Slice(position, (int)size).CopyTo(into.Grow((int)size));
        return position + (int)size;
    }

    private static void PackBlock(ReadOnlySpan<byte> block, MemoryStream target)
    {
        var size = (uint)block.Length;
        for (; size >= 0x80; size >>= 7)
        {
            target.WriteByte((byte)(size | 0x80));
        }
        target.WriteByte((byte)size);
        var matches = new BlockMatches(block);
        while (matches.MoveNext())
        {
            WriteLiteral(matches.Literals, target);
            for (var left = matches.MatchBytes; left > 0; left -= CopyBytesMax)
            {
                target.WriteByte((byte)(Math.Min(left, CopyBytesMax) - 1 << 2 | 2));
                target.WriteByte((byte)matches.Distance);
                target.WriteByte((byte)(matches.Distance >> 8));
            }
        }
        WriteLiteral(matches.Rest, target);
    }

    private static void WriteLiteral(ReadOnlySpan<byte> literal, MemoryStream target)
    {
        if (literal.Length == 0)
        {
            return;
        }
        var size = literal.Length - 1;
        if (size < 60)
        {
            target.WriteByte((byte)(size << 2));
        }
        else
        {
            target.WriteByte(61 << 2);
            target.WriteByte((byte)size);
            target.WriteByte((byte)(size >> 8));
        }
        target.Write(literal);
    }

    private static int Byte(ReadOnlySpan<byte> bytes, int position) =>
        position < bytes.Length ? bytes[position] : throw new InvalidDataException("A Snappy block is cut short.");

    private static long LittleEndian(ReadOnlySpan<byte> bytes, int position, int count)
    {
        var value = 0L;
        for (var i = 0; i < count; i++)
        {
            value |= (long)Byte(bytes, position + i) << (8 * i);
        }
        return value;
    }
}
