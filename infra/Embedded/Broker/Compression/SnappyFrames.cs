using System.Buffers.Binary;
using EventStream.Embedded.Broker.Protocol;
using Snappier;

namespace EventStream.Embedded.Broker.Compression;

/// <summary>
/// Snappy as Kafka's clients use it: either one raw block, or the framing of the Java library (a header of 16 bytes,
/// then blocks preceded by their size). The blocks are Snappier's.
/// </summary>
internal static class SnappyFrames
{
    private const int HeadBytes = 16;
    private const int BlockBytes = 32 * 1024;

    /// <summary>The most that a byte of a block can unpack to: a copy of 64 bytes takes two of them.</summary>
    private const int RatioMax = 32;

    private static ReadOnlySpan<byte> Magic => [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0];

    /// <exception cref="InvalidDataException">The bytes are no Snappy block.</exception>
    public static void Unpack(ReadOnlySpan<byte> packed, ResponseWriter into)
    {
        if (!packed.StartsWith(Magic))
        {
            UnpackBlock(packed, into);
            return;
        }
        var rest = packed.Length >= HeadBytes ? packed[HeadBytes..] : [];
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
        target.Write(Magic);
        BinaryPrimitives.WriteInt32BigEndian(word, 1);
        target.Write(word);
        target.Write(word);
        for (var at = 0; at < records.Length; at += BlockBytes)
        {
            var block = Snappy.CompressToArray(records.Slice(at, Math.Min(BlockBytes, records.Length - at)));
            BinaryPrimitives.WriteInt32BigEndian(word, block.Length);
            target.Write(word);
            target.Write(block);
        }
        return target.ToArray();
    }

    private static void UnpackBlock(ReadOnlySpan<byte> block, ResponseWriter into)
    {
        try
        {
            var size = Snappy.GetUncompressedLength(block);
            // The size is a claim of the sender: what the block cannot hold is refused before memory is taken for it.
            if (size < 0 || size > (long)RatioMax * block.Length)
            {
                throw new InvalidDataException("A Snappy block is not as long as it says.");
            }
            var target = into.Grow(size);
            if (Snappy.Decompress(block, target) != size)
            {
                throw new InvalidDataException("A Snappy block is not as long as it says.");
            }
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException("A Snappy block is damaged.", e);
        }
    }
}
