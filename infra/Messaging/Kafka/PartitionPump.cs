using System.Threading.Channels;
using Confluent.Kafka;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Processes one partition in order, in the background, while the consumer goes on polling. It owns the truth about
/// how far the partition is processed: <see cref="Processed"/> is the offset to commit.
/// </summary>
internal sealed class PartitionPump : IAsyncDisposable
{
    private readonly Channel<ConsumeResult<byte[], byte[]>> queue;
    private readonly CancellationTokenSource stop;
    private readonly Task work;
    private long processed = Offset.Unset;
    private int depth;

    public PartitionPump(
        TopicPartition partition, Func<ConsumeResult<byte[], byte[]>, CancellationToken, Task> handle,
        CancellationToken stopping)
    {
        Partition = partition;
        // The bound on the queue is kept by pausing the partition; librdkafka may still hand over what it had fetched.
        queue = Channel.CreateUnbounded<ConsumeResult<byte[], byte[]>>(
            new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        work = Task.Run(() => RunAsync(handle, stop.Token), CancellationToken.None);
    }

    public TopicPartition Partition { get; }

    /// <summary>Whether the poll loop has paused the partition because of its depth.</summary>
    public bool Paused { get; set; }

    public int Depth => Volatile.Read(ref depth);

    /// <summary>The next offset after the last record processed, or unset.</summary>
    public Offset Processed => Volatile.Read(ref processed);

    /// <summary>The last offset given to a commit, so that an idle partition is not committed again.</summary>
    public Offset Committed { get; set; } = Offset.Unset;

    /// <summary>The failure that stopped the pump, under the policy <see cref="BadRecordPolicy.Stop"/>.</summary>
    public Exception? Failure => work.IsFaulted ? work.Exception!.GetBaseException() : null;

    public void Enqueue(ConsumeResult<byte[], byte[]> record)
    {
        Interlocked.Increment(ref depth);
        queue.Writer.TryWrite(record);
    }

    /// <summary>Cancels the record in hand and forgets those that wait; they will be delivered again.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        queue.Writer.TryComplete();
        try
        {
            await work;
        }
        catch (Exception e) when (e is OperationCanceledException || work.IsFaulted)
        {
            // The failure was reported through Failure; a cancelled record is delivered again.
        }

        stop.Dispose();
    }

    private async Task RunAsync(
        Func<ConsumeResult<byte[], byte[]>, CancellationToken, Task> handle, CancellationToken cancellation)
    {
        await foreach (var record in queue.Reader.ReadAllAsync(cancellation))
        {
            await handle(record, cancellation);
            Volatile.Write(ref processed, record.Offset.Value + 1);
            Interlocked.Decrement(ref depth);
        }
    }
}
