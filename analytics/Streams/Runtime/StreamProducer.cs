using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.Streams.Runtime;

/// <summary>
/// The producer of one stream thread: outputs and changelogs. With exactly-once it is transactional; with
/// at-least-once a commit waits for the acknowledgements and then commits the offsets by the consumer.
/// </summary>
internal sealed partial class StreamProducer : ICommitProducer, IDisposable
{
    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(20);
    private readonly IProducer<byte[], byte[]> producer;
    private readonly IConsumer<byte[], byte[]> consumer;
    private readonly bool transactional;
    private bool begun;
    private volatile Error? failed;

    public StreamProducer(
        StreamsOptions options,
        KafkaOptions kafka,
        int thread,
        IConsumer<byte[], byte[]> consumer,
        ILogger logger
    )
    {
        this.consumer = consumer;
        transactional = options.ProcessingGuarantee == ProcessingGuarantee.ExactlyOnceV2;
        var config = kafka.ProducerConfig($"{options.ApplicationId}-{thread}");
        config.LingerMs = 5;
        if (transactional)
        {
            config.TransactionalId = options.TransactionalId(thread);
            config.TransactionTimeoutMs = (int)options.TransactionTimeout.TotalMilliseconds;
            config.MessageTimeoutMs = config.TransactionTimeoutMs;
        }

        producer = new ProducerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, message) => ClientMessage(logger, message.Message))
            .SetErrorHandler((_, error) => ClientMessage(logger, error.Reason))
            .Build();
        if (transactional)
            producer.InitTransactions(StepTimeout);
    }

    /// <summary>Whether something was handed over since the last commit.</summary>
    public bool Dirty { get; private set; }

    public void EnsureBegun()
    {
        if (failed is { } error)
            throw new KafkaException(error);
        if (!transactional || begun)
            return;
        producer.BeginTransaction();
        begun = true;
    }

    /// <summary>Hands a record to the client; errors of delivery show at the commit.</summary>
    public void Produce(OutputRecord record)
    {
        EnsureBegun();
        var message = new Message<byte[], byte[]>
        {
            Key = record.Key,
            Value = record.Value!,
            Headers = record.Headers,
            Timestamp = record.Time > DateTimeOffset.UnixEpoch ? new Timestamp(record.Time) : Timestamp.Default,
        };
        var target = new TopicPartition(record.Topic, record.Partition ?? Partition.Any);
        Dirty = true;
        while (true)
        {
            try
            {
                producer.Produce(target, message, Delivered);
                return;
            }
            catch (ProduceException<byte[], byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                producer.Flush(TimeSpan.FromMilliseconds(50));
            }
        }
    }

    public void SendOffsets(IReadOnlyList<TopicPartitionOffset> offsets)
    {
        if (transactional)
        {
            producer.SendOffsetsToTransaction(offsets, consumer.ConsumerGroupMetadata, StepTimeout);
            return;
        }

        producer.Flush(StepTimeout);
        if (failed is { } error)
            throw new KafkaException(error);
        consumer.Commit(offsets);
    }

    public void Commit()
    {
        if (transactional)
            producer.CommitTransaction(StepTimeout);
        else
            producer.Flush(StepTimeout);
        if (failed is { } error)
            throw new KafkaException(error);
        (begun, Dirty) = (false, false);
    }

    public void Abort()
    {
        if (transactional && begun)
            producer.AbortTransaction(StepTimeout);
        (begun, Dirty, failed) = (false, false, null);
    }

    public void Dispose() => producer.Dispose();

    private void Delivered(DeliveryReport<byte[], byte[]> report)
    {
        if (report.Error.IsError)
            failed = report.Error;
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Kafka producer: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);
}
