using System.Text;
using EventStream.Embedded.Broker.Compression;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>
/// The codecs of record batches, against themselves, against bytes of other programs and against damage.
/// </summary>
public sealed class CodecTests
{
    private const string Text = "edge edge edge playback playback 0123456789 0123456789";

    public static TheoryData<int> Codecs => [Codec.None, Codec.Gzip, Codec.Snappy, Codec.Lz4, Codec.Zstd];

    [Theory]
    [MemberData(nameof(Codecs))]
    public void What_is_packed_is_unpacked_again(int codec)
    {
        var random = new Random(3);
        foreach (var size in (int[])[0, 1, 4, 13, 60, 61, 255, 300, 4096, 65_535, 65_536, 65_537, 300_000])
        {
            foreach (var bytes in (byte[][])[Noise(random, size), Words(random, size), new byte[size]])
            {
                using var unpacked = new ResponseWriter { BytesMax = size };
                Assert.Equal(Unpacking.Whole, Codec.Unpack(codec, Codec.Pack(codec, bytes), unpacked));
                Assert.True(bytes.AsSpan().SequenceEqual(unpacked.Written.Span));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Words_become_smaller(int codec)
    {
        var words = Words(new Random(5), 50_000);
        var packed = Codec.Pack(codec, words).Length;
        Assert.True(codec == Codec.None || packed < words.Length * 3 / 4, $"{packed} of {words.Length}");
    }

    /// <summary>
    /// As written by lz4 1.10 (plain, and with every checksum and linked blocks), zstd, gzip and libsnappy.
    /// </summary>
    [Theory]
    [InlineData(
        Codec.Lz4,
        "04224d186440a72a000000566564676520050086706c61796261636b0900f0063031323334353637383920303132333435363738390000000043b9d036"
    )]
    [InlineData(
        Codec.Lz4,
        "04224d187c403600000000000000dc2a000000566564676520050086706c61796261636b0900f006303132333435363738392030313233343536373839bc5247570000000043b9d036"
    )]
    [InlineData(
        Codec.Zstd,
        "28b52ffd24360d0100b86564676520706c61796261636b3031323334353637383903100336889b63d302c6191eb8"
    )]
    [InlineData(
        Codec.Gzip,
        "1f8b08000000000000034b4d494f55488513053989954989c9d9088681a191b189a999b9852512130022047d0436000000"
    )]
    [InlineData(Codec.Snappy, "3610656467652019051c706c61796261636b190950303132333435363738392030313233343536373839")]
    [InlineData(
        Codec.Snappy,
        "82534e415050590000000001000000010000002a3610656467652019051c706c61796261636b190950303132333435363738392030313233343536373839"
    )]
    public void Bytes_of_other_programs_are_understood(int codec, string hex)
    {
        using var unpacked = new ResponseWriter { BytesMax = 1000 };
        Assert.Equal(Unpacking.Whole, Codec.Unpack(codec, Convert.FromHexString(hex), unpacked));
        Assert.Equal(Text, Encoding.ASCII.GetString(unpacked.Written.Span));
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Damage_is_noticed_or_harmless_and_never_more_than_the_bound_is_written(int codec)
    {
        var random = new Random(7);
        var packed = Codec.Pack(codec, Words(random, 5000));
        using var unpacked = new ResponseWriter { BytesMax = 20_000 };
        for (var i = 0; i < 2000; i++)
        {
            var damaged = packed.ToArray();
            for (var flips = random.Next(1, 5); flips > 0; flips--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }
            Codec.Unpack(codec, damaged.AsSpan(0, random.Next(damaged.Length + 1)), unpacked);
            Assert.True(unpacked.Length <= 20_000);
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_batch_that_unpacks_to_more_than_the_bound_is_refused(int codec)
    {
        using var unpacked = new ResponseWriter { BytesMax = 1000 };
        Assert.Equal(Unpacking.TooLarge, Codec.Unpack(codec, Codec.Pack(codec, new byte[1001]), unpacked));
    }

    [Theory]
    [InlineData(Codec.Snappy)]
    [InlineData(Codec.Lz4)]
    [InlineData(Codec.Zstd)]
    public void A_frame_that_is_cut_short_is_refused(int codec)
    {
        var packed = Codec.Pack(codec, Words(new Random(11), 70_000));
        using var unpacked = new ResponseWriter { BytesMax = 100_000 };
        foreach (var left in (int[])[1, 5, packed.Length / 2, packed.Length - 5, packed.Length - 1])
        {
            var outcome = Codec.Unpack(codec, packed.AsSpan(0, left), unpacked);
            Assert.True(outcome == Unpacking.Damaged, $"{left} of {packed.Length}: {outcome}");
        }
    }

    [Theory]
    [InlineData("04224d186040" + "82" + "ffffff7f" + "00000000", "a block of two gigabytes")]
    [InlineData("04224d186070" + "73" + "ffffffff" + "00", "a block of two gigabytes that is not packed")]
    [InlineData("05224d18644000", "another magic number")]
    public void An_lz4_frame_that_cannot_be_is_refused(string hex, string why)
    {
        using var unpacked = new ResponseWriter { BytesMax = 1 << 20 };
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(Codec.Unpack(Codec.Lz4, Convert.FromHexString(hex), unpacked) != Unpacking.Whole, why);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 32 << 20);
    }

    /// <summary>Five bytes that say that they are a gigabyte.</summary>
    [Theory]
    [InlineData("8080808004")]
    [InlineData("82534e41505059000000000100000001000000058080808004")]
    public void A_snappy_block_that_claims_more_than_it_can_hold_is_refused(string hex)
    {
        using var unpacked = new ResponseWriter { BytesMax = Array.MaxLength };
        Assert.Equal(Unpacking.Damaged, Codec.Unpack(Codec.Snappy, Convert.FromHexString(hex), unpacked));
        Assert.Equal(0, unpacked.Length);
    }

    private static byte[] Noise(Random random, int size)
    {
        var bytes = new byte[size];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Words(Random random, int size)
    {
        var words = new StringBuilder();
        while (words.Length < size)
        {
            words.Append("segment rendition playback edge ".AsSpan(random.Next(8), random.Next(4, 20)));
        }
        return Encoding.ASCII.GetBytes(words.ToString())[..size];
    }
}
