using System.Buffers.Binary;
using System.Text;
using EventStream.Contracts;

namespace EventStream.Encode.Packaging;

/// <summary>Bytes are not the ISO media file that was expected.</summary>
public sealed class Mp4Exception(string message) : Exception(message);

/// <summary>
/// Reads the few boxes of ISO/IEC 14496-12 that say what a CMAF track is: the codec from its sample entry and the
/// exact times of a segment from its index.
/// </summary>
public static class Mp4
{
    private const int VisualEntrySize = 78;
    private const int AudioEntrySize = 28;
    private const int FullBoxSize = 4;
    private const int BoxHead = 8;

    /// <summary>
    /// The RFC 6381 string of an initialization segment, read from the decoder configuration in it: <c>avc1.640028</c>,
    /// <c>hvc1.2.4.L120.90</c>, <c>av01.0.04M.08</c>, <c>vp09.00.31.08</c>, <c>mp4a.40.2</c>, <c>opus</c>. Throws
    /// <see cref="Mp4Exception"/> for another codec.
    /// </summary>
    public static string Codecs(ReadOnlySpan<byte> init)
    {
        var table = Child(init, "moov", "trak", "mdia", "minf", "stbl", "stsd")[8..];
        var entry = Encoding.ASCII.GetString(table[4..8]);
        var body = Box(table, entry);
        return entry switch
        {
            "avc1" or "avc3" => Avc(entry, Box(body[VisualEntrySize..], "avcC")),
            "hvc1" or "hev1" => Hevc(entry, Box(body[VisualEntrySize..], "hvcC")),
            "av01" => Av1(Box(body[VisualEntrySize..], "av1C")),
            "vp09" => Vp9(Box(body[VisualEntrySize..], "vpcC")[FullBoxSize..]),
            "mp4a" => Aac(Box(body[AudioEntrySize..], "esds")[FullBoxSize..]),
            "Opus" => PictureCodec.Opus,
            _ => throw new Mp4Exception($"The sample entry '{entry}' is none of AVC, HEVC, AV1, VP9, AAC and Opus."),
        };
    }

    /// <summary>
    /// Start and length of a media segment in seconds, from its segment index (<c>sidx</c>): exact to one tick of the
    /// track.
    /// </summary>
    public static (double Start, double Duration) SegmentTime(ReadOnlySpan<byte> segment)
    {
        var index = Box(segment, "sidx");
        var wide = index[0] == 1;
        var timescale = (double)U32(index, 8);
        var start = wide ? BinaryPrimitives.ReadUInt64BigEndian(index[12..]) : U32(index, 12);
        var at = (wide ? 28 : 20) + 2;
        int count = BinaryPrimitives.ReadUInt16BigEndian(index[at..]);
        ulong ticks = 0;
        for (var i = 0; i < count; i++)
            ticks += U32(index, at + 2 + (i * 12) + 4);
        return (start / timescale, ticks / timescale);
    }

    /// <summary>
    /// Bytes of a media segment up to the end of its first sample, by the fragment's run (<c>trun</c>): enough to show
    /// it. Throws <see cref="Mp4Exception"/> for a run that does not say where its samples are.
    /// </summary>
    public static long FirstSampleEnd(ReadOnlySpan<byte> segment)
    {
        var moof = Box(segment, "moof");
        var traf = Box(moof, "traf");
        var run = Box(traf, "trun");
        var flags = U32(run, 0);
        if ((flags & 0x1) == 0 || U32(run, 4) == 0)
            throw new Mp4Exception("The run of a fragment does not say where its samples are.");
        var at = 12 + ((flags & 0x4) != 0 ? 4 : 0) + ((flags & 0x100) != 0 ? 4 : 0);
        var size = (flags & 0x200) != 0 ? U32(run, at) : DefaultSize(Box(traf, "tfhd"));
        segment.Overlaps(moof, out var body);
        return body - BoxHead + U32(run, 8) + size;
    }

    private static uint DefaultSize(ReadOnlySpan<byte> header)
    {
        var flags = U32(header, 0);
        if ((flags & 0x10) == 0)
            throw new Mp4Exception("The fragment does not say how large its samples are.");
        return U32(
            header,
            8 + ((flags & 0x1) != 0 ? 8 : 0) + ((flags & 0x2) != 0 ? 4 : 0) + ((flags & 0x8) != 0 ? 4 : 0)
        );
    }

    private static string Avc(string entry, ReadOnlySpan<byte> configuration) =>
        $"{entry}.{configuration[1]:X2}{configuration[2]:X2}{configuration[3]:X2}".ToLowerInvariant();

    /// <summary>
    /// Profile, compatibility (its bits reversed), tier with level, and constraints up to the last that are set
    /// (ISO/IEC 14496-15, annex E).
    /// </summary>
    private static string Hevc(string entry, ReadOnlySpan<byte> configuration)
    {
        string[] spaces = ["", "A", "B", "C"];
        var compatible = U32(configuration, 2);
        uint reversed = 0;
        for (var bit = 0; bit < 32; bit++)
            reversed |= ((compatible >> bit) & 1) << (31 - bit);
        var tier = (configuration[1] & 0x20) == 0 ? 'L' : 'H';
        var text = $"{entry}.{spaces[configuration[1] >> 6]}{configuration[1] & 0x1F}.{reversed:X}.{tier}";
        text += configuration[12];
        var constraints = configuration[6..12];
        foreach (var one in constraints[..(constraints.LastIndexOfAnyExcept((byte)0) + 1)])
            text += $".{one:X}";
        return text;
    }

    /// <summary>Profile, level with tier, and bits of a sample (AV1 in ISO media files, section 5).</summary>
    private static string Av1(ReadOnlySpan<byte> configuration)
    {
        var (profile, level) = (configuration[1] >> 5, configuration[1] & 0x1F);
        var tier = (configuration[2] & 0x80) == 0 ? 'M' : 'H';
        var depth =
            (configuration[2] & 0x40) == 0 ? 8
            : (configuration[2] & 0x20) == 0 ? 10
            : 12;
        return $"av01.{profile}.{level:00}{tier}.{depth:00}";
    }

    /// <summary>Profile, level, and bits of a sample (VP codecs in ISO media files).</summary>
    private static string Vp9(ReadOnlySpan<byte> configuration) =>
        $"vp09.{configuration[0]:00}.{configuration[1]:00}.{configuration[2] >> 4:00}";

    /// <summary>
    /// Walks the descriptors ES (3), DecoderConfig (4) and DecoderSpecificInfo (5) of ISO/IEC 14496-1.
    /// </summary>
    private static string Aac(ReadOnlySpan<byte> descriptors)
    {
        var stream = Descriptor(descriptors, 3)[3..];
        var decoder = Descriptor(stream, 4);
        var objectType = Descriptor(decoder[13..], 5)[0] >> 3;
        return $"mp4a.{decoder[0]:x2}.{objectType}";
    }

    private static ReadOnlySpan<byte> Descriptor(ReadOnlySpan<byte> data, byte tag)
    {
        if (data.Length < 2 || data[0] != tag)
            throw new Mp4Exception($"The descriptor {tag} of the audio track is missing.");
        var size = 0;
        var at = 1;
        do size = (size << 7) | (data[at] & 0x7F);
        while ((data[at++] & 0x80) != 0);
        return data.Slice(at, size);
    }

    private static ReadOnlySpan<byte> Child(ReadOnlySpan<byte> data, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
            data = Box(data, name);
        return data;
    }

    /// <summary>
    /// The body of the first box of a type among those that follow one another in <paramref name="data"/>.
    /// </summary>
    private static ReadOnlySpan<byte> Box(ReadOnlySpan<byte> data, string type)
    {
        while (data.Length >= 8)
        {
            var size = (long)U32(data, 0);
            var head = 8;
            if (size == 1 && data.Length >= 16)
                (size, head) = ((long)BinaryPrimitives.ReadUInt64BigEndian(data[8..]), 16);
            else if (size == 0)
                size = data.Length;
            if (size < head || size > data.Length)
                break;
            if (Encoding.ASCII.GetString(data[4..8]) == type)
                return data[head..(int)size];
            data = data[(int)size..];
        }

        throw new Mp4Exception($"The box '{type}' is missing.");
    }

    private static uint U32(ReadOnlySpan<byte> data, int at) => BinaryPrimitives.ReadUInt32BigEndian(data[at..]);
}
