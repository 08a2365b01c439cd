using System.Buffers.Binary;

namespace EventStream.Embedded.Broker.Compression;

/// <summary>
/// The LZ4 frame format (lz4_Frame_format.md, version 1.6.1) and its blocks. Checksums of blocks and content are passed
/// over: the batch's own CRC-32C covers the same bytes.
/// </summary>
internal static class Lz4Format
{
    private const uint Magic = 0x184D2204;
    private const uint UncompressedBit = 0x80000000;
    private const byte BlockChecksums = 0x10;
    private const byte ContentSize = 0x08;
    private const byte DictionaryId = 0x01;
    private const int HeadBytesMin = 7;

    /// <summary>Version 1 with independent blocks of at most 64 KiB.</summary>
    private const byte PackedFlags = 0x60;
    private const byte PackedBlockSize = 0x40;

    /// <exception cref="InvalidDataException">The bytes are no LZ4 frame.</exception>
    public static void Unpack(ReadOnlySpan<byte> packed, UnpackBuffer into)
    {
        if (packed.Length < HeadBytesMin || BinaryPrimitives.ReadUInt32LittleEndian(packed) != Magic)
        {
            throw new InvalidDataException("The records are no LZ4 frame.");
        }
        var flags = packed[4];
        var position = HeadBytesMin + ((flags & ContentSize) != 0 ? 8 : 0) + ((flags & DictionaryId) != 0 ? 4 : 0);
        while (true)
        {
            var size = ReadWord(packed, position);
            position += 4;
            if (size == 0)
            {
                return;
            }
            var bytes = (int)(size & ~UncompressedBit);
            if (bytes > packed.Length - position)
            {
                throw new InvalidDataException("An LZ4 block is cut short.");
            }
            var block = packed.Slice(position, bytes);
            if ((size & UncompressedBit) != 0)
            {
                block.CopyTo(into.Grow(bytes));
            }
            else
            {
                UnpackBlock(block, into);
            }
            position += bytes + ((flags & BlockChecksums) != 0 ? 4 : 0);
        }
    }

    public static byte[] Pack(ReadOnlySpan<byte> records)
    {
        using var target = new MemoryStream();
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(word, Magic);
        target.Write(word);
        target.Write([PackedFlags, PackedBlockSize, (byte)(XxHash32.Compute([PackedFlags, PackedBlockSize]) >> 8)]);
        for (var at = 0; at < records.Length; at += BlockMatches.BlockBytesMax)
        {
            var block = records.Slice(at, Math.Min(BlockMatches.BlockBytesMax, records.Length - at));
            var sizeAt = target.Position;
            target.Write(word);
            PackBlock(block, target);
            var size = (uint)(target.Position - sizeAt - 4);
            if (size >= block.Length)
            {
                target.SetLength(sizeAt + 4);
                target.Position = sizeAt + 4;
                target.Write(block);
                size = (uint)block.Length | UncompressedBit;
            }
            BinaryPrimitives.WriteUInt32LittleEndian(target.GetBuffer().AsSpan((int)sizeAt), size);
        }
        target.Write([0, 0, 0, 0]);
        return target.ToArray();
    }

    private static void UnpackBlock(ReadOnlySpan<byte> block, UnpackBuffer into)
    {
        var position = 0;
        while (position < block.Length)
        {
            var token = block[position++];
            var literals = ReadCount(block, ref position, token >> 4);
            if (literals > block.Length - position)
            {
                throw new InvalidDataException("An LZ4 literal is cut short.");
            }
            block.Slice(position, literals).CopyTo(into.Grow(literals));
            position += literals;
            if (position == block.Length)
            {
                return;
            }
            if (position + 2 > block.Length)
            {
                throw new InvalidDataException("An LZ4 match is cut short.");
            }
            var distance = BinaryPrimitives.ReadUInt16LittleEndian(block[position..]);
            position += 2;
            into.Repeat(distance, ReadCount(block, ref position, token & 15) + BlockMatches.MatchBytesMin);
        }
    }

    private static int ReadCount(ReadOnlySpan<byte> block, ref int position, int count)
    {
        if (count < 15)
        {
            return count;
        }
        while (position < block.Length)
        {
            var more = block[position++];
            count += more;
            if (more < 255)
            {
                return count;
            }
        }
        throw new InvalidDataException("The length of an LZ4 sequence is cut short.");
    }

    private static uint ReadWord(ReadOnlySpan<byte> bytes, int position) =>
        position + 4 <= bytes.Length
            ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[position..])
            : throw new InvalidDataException("An LZ4 frame has no end mark.");

    private static void PackBlock(ReadOnlySpan<byte> block, MemoryStream target)
    {
        var matches = new BlockMatches(block);
        while (matches.MoveNext())
        {
            WriteSequence(matches.Literals, matches.MatchBytes - BlockMatches.MatchBytesMin, target);
            target.WriteByte((byte)matches.Distance);
            target.WriteByte((byte)(matches.Distance >> 8));
            WriteCount(matches.MatchBytes - BlockMatches.MatchBytesMin, target);
        }
        WriteSequence(matches.Rest, 0, target);
    }

    private static void WriteSequence(ReadOnlySpan<byte> literals, int matchCode, MemoryStream target)
    {
        target.WriteByte((byte)(Math.Min(literals.Length, 15) << 4 | Math.Min(matchCode, 15)));
        WriteCount(literals.Length, target);
        target.Write(literals);
    }

    private static void WriteCount(int count, MemoryStream target)
    {
        if (count < 15)
        {
            return;
        }
        for (count -= 15; count >= 255; count -= 255)
        {
            target.WriteByte(255);
        }
        target.WriteByte((byte)count);
    }
}
