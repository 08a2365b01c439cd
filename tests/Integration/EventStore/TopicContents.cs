using System.Globalization;
using Confluent.Kafka;
using EventStream.EventStore.Relay;
using EventStream.Messaging.Kafka;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>A record of the relay as a reader of committed records sees it.</summary>
public sealed record RelayedRecord(string Key, string EventId, long Position, long Version, bool Replay);

/// <summary>Reads a topic to its present end, as a reader of committed records does.</summary>
public static class TopicContents
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    /// <summary>All records, partition by partition, each in order.</summary>
    public static Task<List<RelayedRecord>> ReadAsync(string bootstrap, string topic) =>
        Task.Run(() => Read(bootstrap, topic));

    private static List<RelayedRecord> Read(string bootstrap, string topic)
    {
        using var cancel = new CancellationTokenSource(Timeout);
        var config = new KafkaOptions { Bootstrap = bootstrap }.ConsumerConfig("topic-contents", $"{Guid.NewGuid()}");
        config.EnablePartitionEof = true;
        config.FetchWaitMaxMs = 10;
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).SetLogHandler((_, _) => { }).Build();
        using var admin = new DependentAdminClientBuilder(consumer.Handle).Build();
        var partitions = admin
            .GetMetadata(topic, Timeout)
            .Topics.Single()
            .Partitions.Select(p => new TopicPartitionOffset(topic, p.PartitionId, Offset.Beginning))
            .ToList();
        if (partitions.Count == 0)
            return [];
        consumer.Assign(partitions);
        var (records, open) = (new List<(int Partition, RelayedRecord Record)>(), partitions.Count);
        while (open > 0)
        {
            var read = consumer.Consume(cancel.Token);
            if (read.IsPartitionEOF)
                open--;
            else
                records.Add((read.Partition.Value, Of(read.Message)));
        }

        return [.. records.OrderBy(pair => pair.Partition).Select(pair => pair.Record)];
    }

    private static RelayedRecord Of(Message<byte[], byte[]> message) =>
        new(
            System.Text.Encoding.UTF8.GetString(message.Key),
            CloudEvents.Text(message.Headers, CloudEvents.Id)!,
            Number(message, RelayRecords.Position),
            Number(message, RelayRecords.Version),
            CloudEvents.Text(message.Headers, RelayRecords.Replay) is not null
        );

    private static long Number(Message<byte[], byte[]> message, string header) =>
        long.Parse(CloudEvents.Text(message.Headers, header)!, CultureInfo.InvariantCulture);
}
