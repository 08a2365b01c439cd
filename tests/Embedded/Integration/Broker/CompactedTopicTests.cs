using Confluent.Kafka;
using EventStream.Embedded.Broker;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>Compacted topics and flushes, with a stock client.</summary>
[Trait("Category", "Integration")]
public sealed class CompactedTopicTests
{
    private static readonly (string, string)[] Config =
    [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "4000"),
        ("min.cleanable.dirty.ratio", "0"),
    ];

    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Gzip)]
    [InlineData(CompressionType.Snappy)]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Zstd)]
    public async Task A_client_reads_the_last_value_of_every_key_whatever_the_codec(CompressionType codec)
    {
        await using var broker = await StartAsync();
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1, Config);
        using var producer = Clients.Producer(broker, c => (c.CompressionType, c.LingerMs) = (codec, 5));
        for (var i = 0; i < 3000; i++)
        {
            // Half of each batch stays, so that batches have to be packed anew.
            var key = i % 2 == 0 ? "same" : $"own {i}";
            producer.Produce(topic, new Message<string, string> { Key = key, Value = $"value {i} of {key}" });
            if (i % 100 == 99)
                producer.Flush(Clients.Patience);
        }

        await Wait.UntilAsync("the topic was compacted", () => Read(broker, topic).Count < 2500);
        var records = Read(broker, topic);
        Assert.Equal(
            Enumerable.Range(0, 3000).Where(i => i % 2 == 1).Select(i => ((long)i, $"value {i} of own {i}")),
            records.Where(r => r.Message.Key != "same").Select(r => (r.Offset.Value, r.Message.Value))
        );
        Assert.Equal((2998L, "value 2998 of same"), Last(records));
        await broker.RestartAsync(abruptly: true);
        Assert.Equal((2998L, "value 2998 of same"), Last(Read(broker, topic)));
        var next = await producer.ProduceAsync(topic, new Message<string, string> { Key = "same", Value = "next" });
        Assert.Equal(3000, next.Offset.Value);
    }

    [Fact]
    public async Task A_record_without_a_key_is_refused_and_the_client_is_told_why()
    {
        await using var broker = await StartAsync();
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1, Config);
        using var producer = Clients.Producer(broker);
        var refused = await Assert.ThrowsAsync<ProduceException<string, string>>(() =>
            producer.ProduceAsync(topic, new Message<string, string> { Value = "no key" })
        );
        Assert.Equal(ErrorCode.InvalidRecord, refused.Error.Code);
    }

    [Fact]
    public async Task Committed_transactions_are_read_whole_and_aborted_ones_not_at_all_after_compaction()
    {
        await using var broker = await StartAsync();
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1, Config);
        using var producer = Clients.Producer(broker, c => c.TransactionalId = $"tx-{topic}");
        producer.InitTransactions(Clients.Patience);
        for (var round = 0; round < 60; round++)
        {
            producer.BeginTransaction();
            for (var i = 0; i < 5; i++)
            {
                producer.Produce(topic, new Message<string, string> { Key = $"k{i}", Value = $"{round}" });
            }

            producer.Flush(Clients.Patience);
            if (round % 3 == 2)
                producer.AbortTransaction(Clients.Patience);
            else
                producer.CommitTransaction(Clients.Patience);
        }

        await Wait.UntilAsync("the topic was compacted", () => Read(broker, topic).Count < 100);
        var table = Read(broker, topic).ToLookup(r => r.Message.Key, r => int.Parse(r.Message.Value));
        Assert.All(Enumerable.Range(0, 5), i => Assert.Equal(58, table[$"k{i}"].Max()));
        Assert.DoesNotContain(table.SelectMany(values => values), round => round % 3 == 2);
    }

    [Fact]
    public async Task With_flush_always_eight_producers_share_the_flushes()
    {
        await using var broker = await TestBroker.StartAsync(o => o with { Flush = FlushMode.Always });
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1);
        var producers = Enumerable.Range(0, 8).Select(_ => Clients.Producer(broker, c => c.LingerMs = 0)).ToList();
        await Task.WhenAll(
            producers.Select(async producer =>
            {
                for (var i = 0; i < 50; i++)
                {
                    await producer.ProduceAsync(topic, new Message<string, string> { Key = "k", Value = $"{i}" });
                }
            })
        );
        producers.ForEach(producer => producer.Dispose());
        // Every record was waited for before the next one of its producer: without sharing, 400 flushes.
        Assert.InRange(broker.Running.Counters.Flushes, 50, 399);
        await broker.RestartAsync(abruptly: true);
        Assert.Equal(400, Clients.ReadAll(broker, topic, 400).Count);
    }

    private static Task<TestBroker> StartAsync() =>
        TestBroker.StartAsync(o => o with { CompactionCheckInterval = TimeSpan.FromMilliseconds(100) });

    private static List<ConsumeResult<string, string>> Read(TestBroker broker, string topic) =>
        Clients.ReadAll(broker, topic, 1);

    private static (long Offset, string Value) Last(List<ConsumeResult<string, string>> records)
    {
        var last = records.Last(r => r.Message.Key == "same");
        return (last.Offset.Value, last.Message.Value);
    }
}
