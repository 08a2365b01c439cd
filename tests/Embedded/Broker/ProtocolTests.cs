using System.Text;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Tests.Broker;

/// <summary>The primitive types of the protocol, and what happens to bytes that are none.</summary>
public sealed class ProtocolTests
{
    [Fact]
    public void The_checksum_is_that_of_RFC_3720()
    {
        Assert.Equal(0xE3069283u, Crc32C.Compute(Encoding.ASCII.GetBytes("123456789")));
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_the_writer_writes_the_reader_reads(bool flexible)
    {
        using var writer = new ResponseWriter { Flexible = flexible };
        writer.WriteString("größe");
        writer.WriteString(null);
        writer.WriteBytes([1, 2, 3]);
        var start = writer.OpenBytes();
        writer.WriteInt64(42);
        writer.CloseBytes(start);
        writer.WriteArrayLength(-1);
        writer.WriteInt32Array([7, 8]);
        writer.WriteUuid(Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"));
        writer.WriteTags();
        var reader = Reader(writer.Written.ToArray(), flexible);
        Assert.Equal("größe", reader.ReadString());
        Assert.Null(reader.ReadNullableString());
        Assert.Equal([1, 2, 3], reader.ReadBytes());
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 42], reader.ReadBytes());
        Assert.Equal(-1, reader.ReadNullableArrayLength());
        Assert.Equal([7, 8], reader.ReadInt32Array());
        Assert.Equal("00112233-4455-6677-8899-aabbccddeeff", reader.ReadUuid().ToString());
        reader.SkipTags();
        Assert.Equal(0, reader.Remaining);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Random_bytes_are_refused_without_reading_past_the_end_or_large_allocations(bool flexible)
    {
        var random = new Random(20260101);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 5000; i++)
        {
            var bytes = new byte[random.Next(1, 64)];
            random.NextBytes(bytes);
            var reader = Reader(bytes, flexible);
            try
            {
                while (reader.Remaining > 0)
                {
                    reader.ReadNullableString();
                    reader.ReadInt32Array();
                    reader.ReadBytes();
                    reader.SkipTags();
                }
            }
            catch (MalformedRequestException)
            {
                continue;
            }
        }
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 50_000_000);
    }

    [Fact]
    public void A_marker_says_commit_or_abort_and_verifies()
    {
        foreach (var commit in (bool[])[true, false])
        {
            var batch = ControlBatch.EndOfTransaction(9, 3, commit, 1234);
            var header = BatchHeader.Read(batch);
            Assert.True(BatchHeader.ChecksumMatches(batch));
            Assert.True(header is { IsControl: true, IsTransactional: true, ProducerId: 9, ProducerEpoch: 3 });
            Assert.Equal(batch.Length, header.TotalBytes);
            Assert.Equal(commit, ControlBatch.IsCommit(batch));
        }
    }

    private static RequestReader Reader(byte[] bytes, bool flexible)
    {
        var reader = new RequestReader();
        reader.Reset(bytes, 0, bytes.Length);
        reader.Flexible = flexible;
        return reader;
    }
}
