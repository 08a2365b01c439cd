using System.IO.Compression;
using EventStream.Embedded.Broker.Protocol;
using K4os.Compression.LZ4.Streams;
using ZstdSharp;

namespace EventStream.Embedded.Broker.Compression;

/// <summary>How the records of a batch were unpacked.</summary>
internal enum Unpacking
{
    /// <summary>All of them.</summary>
    Whole,

    /// <summary>The bytes are damaged or of an unknown codec.</summary>
    Damaged,

    /// <summary>They take more than the buffer may hold.</summary>
    TooLarge,
}

/// <summary>
/// The compression codecs of the Kafka protocol, by the number in a batch's attributes. The broker keeps batches as
/// they came; it unpacks them only to find a record by time, to check keys and to compact.
/// </summary>
internal static class Codec
{
    public const int None = 0;
    public const int Gzip = 1;
    public const int Snappy = 2;
    public const int Lz4 = 3;
    public const int Zstd = 4;

    /// <summary>Unpacks the records of a batch into the buffer, up to the bytes that it may hold.</summary>
    public static Unpacking Unpack(int codec, ReadOnlySpan<byte> packed, ResponseWriter into)
    {
        into.Truncate(0);
        try
        {
            UnpackAll(codec, packed, into);
            return Unpacking.Whole;
        }
        catch (MalformedRequestException)
        {
            return Unpacking.TooLarge;
        }
        catch (Exception e) when (e is InvalidDataException or ZstdException or EndOfStreamException)
        {
            return Unpacking.Damaged;
        }
    }

    /// <summary>Packs records as a producer of the codec would.</summary>
    public static byte[] Pack(int codec, ReadOnlySpan<byte> records) =>
        codec switch
        {
            Gzip => PackGzip(records),
            Snappy => SnappyFrames.Pack(records),
            Lz4 => PackLz4(records),
            Zstd => PackZstd(records),
            _ => records.ToArray(),
        };

    private static void UnpackAll(int codec, ReadOnlySpan<byte> packed, ResponseWriter into)
    {
        switch (codec)
        {
            case None:
                packed.CopyTo(into.Grow(packed.Length));
                break;
            case Gzip:
                using (var gzip = new GZipStream(new MemoryStream(packed.ToArray()), CompressionMode.Decompress))
                {
                    ReadAll(gzip, into);
                }
                break;
            case Snappy:
                SnappyFrames.Unpack(packed, into);
                break;
            case Lz4:
                UnpackLz4(packed, into);
                break;
            case Zstd:
                using (var zstd = new DecompressionStream(new MemoryStream(packed.ToArray())))
                {
                    ReadAll(zstd, into);
                }
                break;
            default:
                throw new InvalidDataException($"Codec {codec} does not exist.");
        }
    }

    private static void UnpackLz4(ReadOnlySpan<byte> packed, ResponseWriter into)
    {
        try
        {
            using var lz4 = LZ4Stream.Decode(new MemoryStream(packed.ToArray()));
            ReadAll(lz4, into);
        }
        catch (Exception e) when (e is not (InvalidDataException or MalformedRequestException or OutOfMemoryException))
        {
            // The library meets damage with whatever its own arithmetic runs into.
            throw new InvalidDataException("The records are no LZ4 frame.", e);
        }
    }

    private static void ReadAll(Stream source, ResponseWriter into)
    {
        Span<byte> chunk = stackalloc byte[4096];
        for (int read; (read = source.Read(chunk)) > 0; )
        {
            chunk[..read].CopyTo(into.Grow(read));
        }
    }

    private static byte[] PackGzip(ReadOnlySpan<byte> records)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(records);
        }
        return target.ToArray();
    }

    /// <summary>Blocks that do not depend on each other: the Java client refuses any others.</summary>
    private static byte[] PackLz4(ReadOnlySpan<byte> records)
    {
        using var target = new MemoryStream();
        var settings = new LZ4EncoderSettings { ChainBlocks = false, BlockSize = 64 * 1024 };
        using (var lz4 = LZ4Stream.Encode(target, settings, leaveOpen: true))
        {
            lz4.Write(records);
        }
        return target.ToArray();
    }

    private static byte[] PackZstd(ReadOnlySpan<byte> records)
    {
        using var compressor = new Compressor();
        return compressor.Wrap(records).ToArray();
    }
}
