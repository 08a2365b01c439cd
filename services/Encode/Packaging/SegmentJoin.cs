using System.Buffers.Binary;
using System.Text;

namespace EventStream.Encode.Packaging;

/// <summary>
/// Appends a media segment to the one before it. The fragments stay as they are, one after the other, and the segment
/// index (<c>sidx</c>, ISO/IEC 14496-12) of the first names those of both.
/// </summary>
public static class SegmentJoin
{
    private const int HeaderSize = 8;

    /// <summary>Bytes of one reference in a segment index.</summary>
    private const int ReferenceSize = 12;

    /// <summary>
    /// The segment that holds both. Throws <see cref="Mp4Exception"/> where one of them has no index.
    /// </summary>
    public static byte[] Join(byte[] first, byte[] second)
    {
        using var joined = new MemoryStream(first.Length + second.Length);
        foreach (var (type, box) in Boxes(first))
            joined.Write(type == "sidx" ? Append(first[box], References(second)) : first.AsSpan(box));
        foreach (var (_, box) in Boxes(second).Where(found => found.Type is not ("styp" or "sidx")))
            joined.Write(second.AsSpan(box));
        return joined.ToArray();
    }

    private static ReadOnlySpan<byte> Append(byte[] index, byte[] references)
    {
        byte[] grown = [.. index, .. references];
        var count = grown.AsSpan(CountAt(index), 2);
        var all = BinaryPrimitives.ReadUInt16BigEndian(count) + (references.Length / ReferenceSize);
        BinaryPrimitives.WriteUInt16BigEndian(count, checked((ushort)all));
        BinaryPrimitives.WriteUInt32BigEndian(grown, (uint)grown.Length);
        return grown;
    }

    private static byte[] References(byte[] segment)
    {
        var (_, box) = Boxes(segment).FirstOrDefault(found => found.Type == "sidx");
        var index = segment[box];
        return index.Length > 0 ? index[(CountAt(index) + 2)..] : throw new Mp4Exception("The box 'sidx' is missing.");
    }

    /// <summary>Where the number of references is: behind times of 32 bits in version 0, of 64 in version 1.</summary>
    private static int CountAt(byte[] index) => HeaderSize + (index[HeaderSize] == 1 ? 28 : 20) + 2;

    private static List<(string Type, Range Bytes)> Boxes(byte[] segment)
    {
        var boxes = new List<(string, Range)>();
        for (var at = 0; at < segment.Length; )
        {
            var size = segment.Length - at >= HeaderSize ? BinaryPrimitives.ReadUInt32BigEndian(segment.AsSpan(at)) : 0;
            if (size < HeaderSize || size > segment.Length - at)
                throw new Mp4Exception($"The segment is cut at byte {at}.");
            boxes.Add((Encoding.ASCII.GetString(segment, at + 4, 4), at..(at + (int)size)));
            at += (int)size;
        }

        return boxes;
    }
}
