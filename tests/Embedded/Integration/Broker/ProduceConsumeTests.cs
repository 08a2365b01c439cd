using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>What a stock client sees of topics, records and times.</summary>
[Trait("Category", "Integration")]
public sealed class ProduceConsumeTests(TestBroker broker) : IClassFixture<TestBroker>
{
    [Fact]
    public async Task Records_come_back_in_order_with_key_headers_and_timestamp()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using (var producer = Clients.Producer(broker))
        {
            for (var i = 0; i < 500; i++)
            {
                producer.Produce(
                    topic,
                    new Message<string, string>
                    {
                        Key = $"k{i}",
                        Value = $"v{i}",
                        Headers = new Headers { { "h", Encoding.UTF8.GetBytes($"{i}") } },
                        Timestamp = new Timestamp(1_700_000_000_000 + i, TimestampType.CreateTime),
                    }
                );
            }
            producer.Flush(TimeSpan.FromSeconds(10));
        }
        var records = Clients.ReadAll(broker, topic, 500);
        Assert.Equal(
            Enumerable.Range(0, 500).Select(i => $"k{i}=v{i}"),
            records.Select(r => $"{r.Message.Key}={r.Message.Value}")
        );
        Assert.Equal(Enumerable.Range(0, 500).Select(i => (long)i), records.Select(r => r.Offset.Value));
        Assert.Equal(1_700_000_000_042, records[42].Message.Timestamp.UnixTimestampMs);
        Assert.Equal("42", Encoding.UTF8.GetString(records[42].Message.Headers[0].GetValueBytes()));
    }

    [Theory]
    [InlineData(Acks.None, CompressionType.None)]
    [InlineData(Acks.Leader, CompressionType.Gzip)]
    [InlineData(Acks.All, CompressionType.Lz4)]
    [InlineData(Acks.All, CompressionType.Snappy)]
    public async Task Every_kind_of_acknowledgement_and_codec_arrives(Acks acks, CompressionType codec)
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Clients.Producer(
            broker,
            c =>
            {
                c.EnableIdempotence = false;
                c.Acks = acks;
                c.CompressionType = codec;
            }
        );
        for (var i = 0; i < 100; i++)
        {
            producer.Produce(topic, new Message<string, string> { Key = "k", Value = new string('x', 200) + i });
        }
        producer.Flush(TimeSpan.FromSeconds(10));
        Assert.Equal(100, Clients.ReadAll(broker, topic, 100).Count);
    }

    [Fact]
    public async Task A_time_query_finds_the_first_record_at_or_after_the_time()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Clients.Producer(broker);
        for (var i = 0; i < 50; i++)
        {
            producer.Produce(
                topic,
                new Message<string, string>
                {
                    Key = "k",
                    Value = $"{i}",
                    Timestamp = new Timestamp(1_000_000 + i * 1000, TimestampType.CreateTime),
                }
            );
        }
        producer.Flush(TimeSpan.FromSeconds(10));
        using var consumer = Clients.Consumer(broker, "times");
        var partition = new TopicPartition(topic, 0);
        Offset At(long ms) =>
            consumer
                .OffsetsForTimes(
                    [new TopicPartitionTimestamp(partition, new Timestamp(ms, TimestampType.CreateTime))],
                    TimeSpan.FromSeconds(5)
                )[0]
                .Offset;
        Assert.Equal(0, At(1).Value);
        Assert.Equal(20, At(1_020_000).Value);
        Assert.Equal(21, At(1_020_001).Value);
        Assert.Equal(Offset.End, At(1_049_001));
    }

    [Fact]
    public async Task The_offset_of_the_greatest_timestamp_is_known()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Clients.Producer(broker);
        foreach (var time in (long[])[1000, 9000, 3000])
        {
            await producer.ProduceAsync(
                topic,
                new Message<string, string>
                {
                    Key = "k",
                    Value = "v",
                    Timestamp = new Timestamp(time, TimestampType.CreateTime),
                }
            );
        }
        using var admin = Clients.Admin(broker);
        var listed = await admin.ListOffsetsAsync([
            new TopicPartitionOffsetSpec { TopicPartition = new(topic, 0), OffsetSpec = OffsetSpec.MaxTimestamp() },
        ]);
        Assert.Equal(1, listed.ResultInfos[0].TopicPartitionOffsetError.Offset.Value);
        Assert.Equal(9000, listed.ResultInfos[0].Timestamp);
    }

    [Fact]
    public async Task A_consumer_that_waits_gets_a_record_as_soon_as_it_is_there()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var consumer = Clients.Consumer(broker, "prompt", c => c.FetchWaitMaxMs = 20_000);
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        Assert.Null(consumer.Consume(TimeSpan.FromMilliseconds(500)));
        using var producer = Clients.Producer(broker);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "v" });
        Assert.NotNull(consumer.Consume(TimeSpan.FromSeconds(10)));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"took {clock.Elapsed}");
    }

    [Fact]
    public async Task A_record_larger_than_the_topic_allows_is_refused_and_the_rest_is_kept()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1, ("max.message.bytes", "2000"));
        using var producer = Clients.Producer(broker);
        var refused = await Assert.ThrowsAsync<ProduceException<string, string>>(() =>
            producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = new string('x', 5000) })
        );
        Assert.Equal(ErrorCode.MsgSizeTooLarge, refused.Error.Code);
        using var second = Clients.Producer(broker);
        await second.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = "small" });
        Assert.Equal("small", Clients.ReadAll(broker, topic, 1)[0].Message.Value);
    }

    [Fact]
    public async Task Records_before_a_deleted_offset_are_gone()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        using var producer = Clients.Producer(broker);
        for (var i = 0; i < 10; i++)
        {
            await producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = $"{i}" });
        }
        using var admin = Clients.Admin(broker);
        await admin.DeleteRecordsAsync([new TopicPartitionOffset(topic, 0, 7)]);
        var records = Clients.ReadAll(broker, topic, 3);
        Assert.Equal(["7", "8", "9"], records.Select(r => r.Message.Value));
    }
}
