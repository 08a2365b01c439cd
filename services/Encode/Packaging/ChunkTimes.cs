using System.Buffers.Binary;
using System.Text;
using EventStream.Encode.Ffmpeg;

namespace EventStream.Encode.Packaging;

/// <summary>
/// Gives the files that a packager made of a chunk the times and numbers that they have in the whole track, box by box
/// (ISO/IEC 14496-12), and makes the initialization segments of all chunks the same bytes.
/// </summary>
public static class ChunkTimes
{
    private static readonly HashSet<string> Containers = new(StringComparer.Ordinal)
    {
        "moov",
        "trak",
        "mdia",
        "mvex",
        "moof",
        "traf",
    };

    private delegate void Visitor(string type, Span<byte> body);

    /// <summary>
    /// Moves a segment behind <paramref name="frames"/> pictures of the track and <paramref name="fragments"/>
    /// fragments. Throws <see cref="Mp4Exception"/> where its clock has no whole number of ticks a picture.
    /// </summary>
    public static void Move(byte[] segment, int frames, FrameRate rate, int fragments)
    {
        var ticks = 0L;
        Visit(
            segment,
            (type, body) =>
            {
                if (type == "sidx")
                {
                    ticks = Ticks(frames, rate, BinaryPrimitives.ReadUInt32BigEndian(body[8..]));
                    Add(body[12..], body[0], ticks);
                }
                else if (type == "tfdt")
                    Add(body[4..], body[0], ticks);
                else if (type == "mfhd")
                    Add(body[4..], 0, fragments);
            }
        );
    }

    /// <summary>
    /// Takes the time of packaging out of an initialization segment, and writes the length of the whole track of
    /// <paramref name="frames"/> pictures into it, in place of that of the chunk.
    /// </summary>
    public static void Unify(byte[] init, int frames, FrameRate rate)
    {
        var timescale = 0u;
        Visit(
            init,
            (type, body) =>
            {
                if (type is "mvhd" or "tkhd" or "mdhd")
                    body.Slice(4, body[0] == 1 ? 16 : 8).Clear();
                if (type is "mdhd")
                    timescale = BinaryPrimitives.ReadUInt32BigEndian(body[(body[0] == 1 ? 20 : 12)..]);
                if (type is not "mehd")
                    return;
                body[4..].Clear();
                Add(body[4..], body[0], Ticks(frames, rate, timescale));
            }
        );
    }

    private static long Ticks(int frames, FrameRate rate, uint timescale)
    {
        var (ticks, rest) = Math.DivRem(frames * (long)rate.Denominator * timescale, rate.Numerator);
        return rest == 0
            ? ticks
            : throw new Mp4Exception(
                $"A clock of {timescale} ticks a second has no whole number for {frames} pictures."
            );
    }

    private static void Add(Span<byte> time, byte version, long more)
    {
        if (version == 1)
            BinaryPrimitives.WriteInt64BigEndian(time, BinaryPrimitives.ReadInt64BigEndian(time) + more);
        else if (BinaryPrimitives.ReadUInt32BigEndian(time) + more is <= uint.MaxValue and var moved)
            BinaryPrimitives.WriteUInt32BigEndian(time, (uint)moved);
        else
            throw new Mp4Exception("A time of a chunk does not fit its box.");
    }

    private static void Visit(Span<byte> boxes, Visitor visit)
    {
        while (boxes.Length > 0)
        {
            var size = boxes.Length >= 8 ? BinaryPrimitives.ReadUInt32BigEndian(boxes) : 0;
            if (size < 8 || size > boxes.Length)
                throw new Mp4Exception("A box of a chunk is cut.");
            var type = Encoding.ASCII.GetString(boxes[4..8]);
            var body = boxes[8..(int)size];
            if (Containers.Contains(type))
                Visit(body, visit);
            else
                visit(type, body);
            boxes = boxes[(int)size..];
        }
    }
}
