using Confluent.Kafka;

namespace EventStream.Streams.Clients;

/// <summary>
/// The producer of one stream thread. It waits where the client's queue is full, which would end the library's thread;
/// tries the steps of a commit again a bounded number of times; sends an offset with every transaction, so that an
/// instance that has lost its partitions is refused; and commits nothing more once the stream has failed.
/// </summary>
internal sealed class StreamProducer(
    StreamScope scope,
    IProducer<byte[], byte[]> inner,
    Func<TopicPartitionOffset?> standing
) : IProducer<byte[], byte[]>
{
    /// <summary>Tries of a retriable step; the client waits for the broker inside each.</summary>
    private const int TriesMax = 5;

    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan QueueWait = TimeSpan.FromMilliseconds(50);

    public Handle Handle => inner.Handle;

    public string Name => inner.Name;

    public int AddBrokers(string brokers) => inner.AddBrokers(brokers);

    public void SetSaslCredentials(string username, string password) => inner.SetSaslCredentials(username, password);

    public Task<DeliveryResult<byte[], byte[]>> ProduceAsync(
        string topic,
        Message<byte[], byte[]> message,
        CancellationToken cancellationToken = default
    ) => inner.ProduceAsync(topic, message, cancellationToken);

    public Task<DeliveryResult<byte[], byte[]>> ProduceAsync(
        TopicPartition topicPartition,
        Message<byte[], byte[]> message,
        CancellationToken cancellationToken = default
    ) => inner.ProduceAsync(topicPartition, message, cancellationToken);

    public void Produce(
        string topic,
        Message<byte[], byte[]> message,
        Action<DeliveryReport<byte[], byte[]>>? deliveryHandler = null
    ) => Produce(new TopicPartition(topic, Partition.Any), message, deliveryHandler);

    public void Produce(
        TopicPartition topicPartition,
        Message<byte[], byte[]> message,
        Action<DeliveryReport<byte[], byte[]>>? deliveryHandler = null
    )
    {
        while (true)
        {
            try
            {
                inner.Produce(topicPartition, message, deliveryHandler);
                return;
            }
            catch (ProduceException<byte[], byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                inner.Flush(QueueWait);
            }
        }
    }

    public int Poll(TimeSpan timeout) => inner.Poll(timeout);

    public int Flush(TimeSpan timeout) => inner.Flush(timeout);

    public void Flush(CancellationToken cancellationToken = default) => inner.Flush(cancellationToken);

    public void InitTransactions(TimeSpan timeout) => Step(() => inner.InitTransactions(StepTimeout));

    public void BeginTransaction() => inner.BeginTransaction();

    public void CommitTransaction(TimeSpan timeout) => CommitTransaction();

    public void CommitTransaction()
    {
        if (scope.Failure is not null)
        {
            AbortTransaction();
            return;
        }

        var began = scope.Clock.GetTimestamp();
        Step(() => inner.CommitTransaction(StepTimeout));
        StreamsMetrics.CommitTime.Record(scope.Clock.GetElapsedTime(began).TotalSeconds);
        StreamsMetrics.Commits.Add(1, new KeyValuePair<string, object?>("outcome", "committed"));
    }

    public void AbortTransaction(TimeSpan timeout) => AbortTransaction();

    public void AbortTransaction()
    {
        Step(() => inner.AbortTransaction(StepTimeout));
        StreamsMetrics.Commits.Add(1, new KeyValuePair<string, object?>("outcome", "aborted"));
    }

    public void SendOffsetsToTransaction(
        IEnumerable<TopicPartitionOffset> offsets,
        IConsumerGroupMetadata groupMetadata,
        TimeSpan timeout
    )
    {
        if (scope.Failure is not null)
            return;
        var all = offsets.ToList();
        if (all.Count == 0 && standing() is { } one)
            all.Add(one);
        Step(() => inner.SendOffsetsToTransaction(all, groupMetadata, StepTimeout));
    }

    public void Dispose() => inner.Dispose();

    private void Step(Action step)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                step();
                return;
            }
            catch (KafkaRetriableException) when (attempt < TriesMax)
            {
                // The step is asked again; it takes up where it was.
            }
            catch (KafkaException e)
            {
                scope.Fail(
                    new StreamException(
                        $"The transactional producer cannot go on: {e.Error.Reason}. If another "
                            + "instance runs under the same instance id, give each its own.",
                        e
                    )
                );
                throw;
            }
        }
    }
}
