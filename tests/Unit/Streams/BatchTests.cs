using System.Text;
using Confluent.Kafka;
using EventStream.Streams;

namespace EventStream.Unit.Tests.Streams;

/// <summary>Records that go through the library as one.</summary>
public sealed class BatchTests
{
    [Fact]
    public void A_batch_is_read_once_though_the_library_asks_twice()
    {
        var reads = 0;
        var serDes = new BatchSerDes<int>(
            (data, _) =>
            {
                reads++;
                return int.Parse(Encoding.UTF8.GetString(data));
            }
        );
        var token = HeldRecords.Attach([Record("1", 7), Record("2", 8), Record("x", 9)]);

        var first = serDes.Deserialize(token, default);
        Assert.Same(first, serDes.Deserialize(token, default));

        Assert.Equal(3, reads);
        var records = first.Records("", new TopicPartitionOffset("in", 0, 9), DateTimeOffset.UnixEpoch);
        Assert.Equal([1, 2], records.Take(2).Select(record => record.Value));
        Assert.Equal([7L, 8L, 9L], records.Select(record => record.Raw.Offset.Value));
        Assert.IsType<FormatException>(records[2].Error);
    }

    [Fact]
    public void The_time_of_a_batch_is_that_of_its_first_readable_record()
    {
        var serDes = new BatchSerDes<int>(
            (data, _) => int.Parse(Encoding.UTF8.GetString(data)),
            (value, _) => DateTimeOffset.FromUnixTimeMilliseconds(value)
        );
        IBatch batch = serDes.Deserialize(HeldRecords.Attach([Record("x", 1), Record("250", 2)]), default);
        Assert.Equal(250, batch.FirstTime(DateTimeOffset.UnixEpoch)!.Value.ToUnixTimeMilliseconds());
        IBatch unreadable = serDes.Deserialize(HeldRecords.Attach([Record("x", 1)]), default);
        Assert.Null(unreadable.FirstTime(DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public void A_batch_that_is_only_read_cannot_be_written() =>
        Assert.Throws<NotSupportedException>(() =>
            new BatchSerDes<int>((_, _) => 1).Serialize(new Batch<int>(1), default)
        );

    private static ConsumeResult<byte[], byte[]> Record(string value, long offset) =>
        new()
        {
            TopicPartitionOffset = new TopicPartitionOffset("in", 0, offset),
            Message = new Message<byte[], byte[]>
            {
                Key = "k"u8.ToArray(),
                Value = Encoding.UTF8.GetBytes(value),
                Timestamp = new Timestamp(1000L, TimestampType.CreateTime),
            },
        };
}
