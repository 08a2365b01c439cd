using Confluent.Kafka;
using EventStream.Contracts;
using Microsoft.Extensions.Logging;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Who a transactional producer is. Exactly one instance may use a <paramref name="TransactionalId"/>: a second one
/// fences the first.
/// </summary>
public sealed record TransactionOptions(string TransactionalId)
{
    /// <summary>Time after which the broker aborts a transaction that was not ended.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Time that one step, a commit for example, waits for the broker.</summary>
    public TimeSpan StepTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How often a step that Kafka calls retriable is asked again.</summary>
    public int RetriesMax { get; init; } = 5;
}

/// <summary>
/// Writes records and consumer offsets to Kafka together or not at all: begin, send, send offsets, commit or abort. It
/// is used by one caller at a time. Every step ends in one of three ways beside success:
/// <see cref="TransactionAbortableException"/> (abort, go back to the last commit and try again),
/// <see cref="ProducerFencedException"/> (another instance has taken over) and <see cref="TransactionFatalException"/>
/// (make a new producer). What Kafka calls retriable is tried again in here, so many times.
/// </summary>
public sealed partial class TransactionalProducer : IDisposable
{
    private readonly TransactionOptions options;
    private readonly EventEncoder encoder;
    private readonly IProducer<byte[], byte[]> client;

    public TransactionalProducer(
        KafkaOptions kafka,
        TransactionOptions options,
        string source,
        ILogger<TransactionalProducer> logger
    )
    {
        this.options = options;
        encoder = new EventEncoder(source, TimeProvider.System);
        var config = kafka.TransactionalConfig(options.TransactionalId, options.TransactionalId, options.Timeout);
        config.DeliveryReportFields = "none";
        client = new ProducerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, message) => ClientMessage(logger, options.TransactionalId, message.Message))
            .SetErrorHandler((_, error) => ClientMessage(logger, options.TransactionalId, error.Reason))
            .Build();
    }

    /// <summary>
    /// Takes the transactional id: ends what a predecessor left open and fences it. Once, before anything else.
    /// </summary>
    public Task InitAsync(CancellationToken cancellation) =>
        StepAsync(() => client.InitTransactions(options.StepTimeout), cancellation);

    /// <summary>Opens a transaction.</summary>
    public void Begin() => Step(client.BeginTransaction);

    /// <summary>
    /// Hands a message to the open transaction; waits while the client's bounded queue is full. Whether it arrived
    /// shows at the commit.
    /// </summary>
    public Task SendAsync(
        Topic topic,
        string key,
        IMessage message,
        DateTimeOffset time,
        CancellationToken cancellation,
        PublishOptions? options = null
    ) =>
        SendAsync(
            new TopicPartition(topic.Name, Partition.Any),
            encoder.Encode(key, message, time, options),
            cancellation
        );

    /// <summary>The same for a record that is bytes already.</summary>
    public async Task SendAsync(TopicPartition target, Message<byte[], byte[]> record, CancellationToken cancellation)
    {
        while (!TryProduce(target, record))
        {
            cancellation.ThrowIfCancellationRequested();
            await Task.Run(() => client.Flush(TimeSpan.FromMilliseconds(50)), cancellation);
        }
    }

    /// <summary>Makes the offsets part of the transaction: committed with the records, or not at all.</summary>
    public Task SendOffsetsAsync(
        IEnumerable<TopicPartitionOffset> offsets,
        IConsumerGroupMetadata group,
        CancellationToken cancellation
    ) => StepAsync(() => client.SendOffsetsToTransaction(offsets, group, options.StepTimeout), cancellation);

    /// <summary>
    /// Waits for all acknowledgements and commits. After an exception that is not
    /// <see cref="TransactionAbortableException"/>, whether it was committed is known only to the successor that
    /// <see cref="InitAsync"/> makes.
    /// </summary>
    public Task CommitAsync(CancellationToken cancellation) =>
        StepAsync(() => client.CommitTransaction(options.StepTimeout), cancellation);

    /// <summary>Takes everything back since <see cref="Begin"/>.</summary>
    public Task AbortAsync(CancellationToken cancellation) =>
        StepAsync(() => client.AbortTransaction(options.StepTimeout), cancellation);

    /// <summary>Closes without commit; the broker aborts an open transaction after its time-out.</summary>
    public void Dispose() => client.Dispose();

    private bool TryProduce(TopicPartition target, Message<byte[], byte[]> record)
    {
        try
        {
            client.Produce(target, record);
            return true;
        }
        catch (KafkaException e) when (e.Error.Code == ErrorCode.Local_QueueFull)
        {
            return false;
        }
        catch (KafkaException e)
        {
            // A record that is refused at once does not end the client: the transaction lacks it and is aborted.
            var translated = Translated(e);
            throw translated is TransactionFatalException && !e.Error.IsFatal
                ? new TransactionAbortableException(options.TransactionalId, e)
                : translated;
        }
    }

    /// <summary>The client blocks in its steps; cancelled, the caller stops waiting and the step goes on.</summary>
    private Task StepAsync(Action step, CancellationToken cancellation) =>
        Task.Run(() => Step(step), cancellation).WaitAsync(cancellation);

    private void Step(Action step)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                step();
                return;
            }
            catch (KafkaRetriableException) when (attempt < options.RetriesMax)
            {
                // The same step takes up where it was.
            }
            catch (KafkaException e)
            {
                throw Translated(e);
            }
        }
    }

    private TransactionException Translated(KafkaException e) =>
        e switch
        {
            { Error.Code: ErrorCode.Local_Fenced or ErrorCode.ProducerFenced or ErrorCode.InvalidProducerEpoch } =>
                new ProducerFencedException(options.TransactionalId, e),
            KafkaTxnRequiresAbortException => new TransactionAbortableException(options.TransactionalId, e),
            _ => new TransactionFatalException(options.TransactionalId, e),
        };

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Id}: {Text}")]
    private static partial void ClientMessage(ILogger logger, string id, string text);
}

/// <summary>A step of a transaction failed.</summary>
public abstract class TransactionException(string transactionalId, string sentence, KafkaException cause)
    : Exception($"{sentence} ({transactionalId}: {cause.Error.Reason.TrimEnd('.')})", cause)
{
    public string TransactionalId { get; } = transactionalId;

    public Error Error { get; } = cause.Error;
}

/// <summary>Nothing of the transaction is visible, and it can be tried again after an abort.</summary>
public sealed class TransactionAbortableException(string transactionalId, KafkaException cause)
    : TransactionException(
        transactionalId,
        "The transaction must be aborted; go back to the last commit and try again.",
        cause
    );

/// <summary>Another instance uses the same transactional id and has taken over; this one must stop.</summary>
public sealed class ProducerFencedException(string transactionalId, KafkaException cause)
    : TransactionException(
        transactionalId,
        "Another instance has taken over this transactional id; stop this one, or give each an id of its own.",
        cause
    );

/// <summary>The producer cannot go on; a new one, after its init, knows how the transaction ended.</summary>
public sealed class TransactionFatalException(string transactionalId, KafkaException cause)
    : TransactionException(transactionalId, "The transactional producer cannot go on; make a new one.", cause);
