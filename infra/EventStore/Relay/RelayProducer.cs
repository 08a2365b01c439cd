using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Logging;

namespace EventStream.EventStore.Relay;

/// <summary>
/// The transactional producer of one ownership of the relay. Opening it fences the former owner of its id and rolls
/// back what that one left open; so from then on the topics hold only whole batches and nobody else adds any.
/// </summary>
internal sealed partial class RelayProducer : IDisposable
{
    /// <summary>Time for one step of the protocol before the relay begins again.</summary>
    private static readonly TimeSpan StepTimeout = TimeSpan.FromSeconds(30);

    private readonly IProducer<byte[], byte[]> producer;
    private readonly ILogger log;
    private volatile Error? failed;

    /// <summary>The step that librdkafka is in. It cannot be interrupted, only left behind.</summary>
    private Task step = Task.CompletedTask;

    private RelayProducer(KafkaOptions kafka, string id, ILogger log)
    {
        this.log = log;
        var config = kafka.TransactionalConfig(id, id, StepTimeout);
        // The commit that follows the records flushes them; waiting for company would only delay it.
        config.LingerMs = 0;
        config.RetryBackoffMs = 5;
        producer = new ProducerBuilder<byte[], byte[]>(config)
            .SetLogHandler((_, message) => ClientMessage(this.log, message.Message))
            .SetErrorHandler((_, error) => ClientMessage(this.log, error.Reason))
            .Build();
    }

    /// <summary>Throws <see cref="KafkaException"/> when the broker does not answer in time.</summary>
    public static async Task<RelayProducer> OpenAsync(
        KafkaOptions kafka,
        string id,
        ILogger log,
        CancellationToken cancellation
    )
    {
        var opened = new RelayProducer(kafka, id, log);
        try
        {
            await opened.StepAsync(() => opened.producer.InitTransactions(StepTimeout), cancellation);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>
    /// All records or none, in this order. Throws <see cref="KafkaException"/>, after which it is unknown which of the
    /// two it was and the producer must not be used any more.
    /// </summary>
    public Task SendAsync(
        IReadOnlyList<(string Topic, Message<byte[], byte[]> Record)> records,
        CancellationToken cancellation
    ) =>
        StepAsync(
            () =>
            {
                producer.BeginTransaction();
                foreach (var (topic, record) in records)
                    Produce(topic, record);
                producer.CommitTransaction(StepTimeout);
                if (failed is { } error)
                    throw new KafkaException(error);
            },
            cancellation
        );

    /// <summary>Does not wait: a step that still runs is let go to its end first, which has a bound.</summary>
    public void Dispose() =>
        _ = step.ContinueWith(
            _ => producer.Dispose(),
            CancellationToken.None,
            TaskContinuationOptions.None,
            TaskScheduler.Default
        );

    private Task StepAsync(Action action, CancellationToken cancellation)
    {
        step = Task.Run(action, CancellationToken.None);
        return step.WaitAsync(cancellation);
    }

    private void Produce(string topic, Message<byte[], byte[]> record)
    {
        while (true)
        {
            try
            {
                producer.Produce(topic, record, Delivered);
                return;
            }
            catch (ProduceException<byte[], byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                producer.Poll(TimeSpan.FromMilliseconds(10));
            }
        }
    }

    private void Delivered(DeliveryReport<byte[], byte[]> report)
    {
        if (report.Error.IsError)
            failed = report.Error;
    }

    [LoggerMessage(1, LogLevel.Debug, "Kafka relay: {Text}")]
    private static partial void ClientMessage(ILogger logger, string text);
}
