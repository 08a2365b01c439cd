using System.Threading.Channels;
using Confluent.Kafka;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Processes one partition in order, in the background, while the consumer goes on polling. It owns the truth about how
/// far the partition is processed: <see cref="Processed"/> is the offset to commit, and everything before it is done.
/// </summary>
internal sealed class PartitionWork
{
    private readonly Func<ConsumeResult<byte[], byte[]>, WorkSignals, Task> handle;
    private readonly ConsumerOptions options;
    private readonly TimeProvider clock;
    private readonly Lock sync = new();

    // The poll loop pauses a partition at the bounds, so that this holds little more than they say.
    private readonly Channel<ConsumeResult<byte[], byte[]>> records = Channel.CreateUnbounded<
        ConsumeResult<byte[], byte[]>
    >();
    private readonly CancellationTokenSource draining = new();
    private readonly CancellationTokenSource cancelled = new();
    private readonly ManualResetEventSlim room = new(initialState: true);
    private readonly Task working;
    private long processed = Offset.Unset;
    private long bytes;
    private int depth;

    public PartitionWork(
        TopicPartition partition,
        ConsumerOptions options,
        Func<ConsumeResult<byte[], byte[]>, WorkSignals, Task> handle,
        TimeProvider clock
    )
    {
        (Partition, this.options, this.handle, this.clock) = (partition, options, handle, clock);
        working = Task.Run(WorkAsync);
    }

    public TopicPartition Partition { get; }

    /// <summary>Whether the poll loop has paused the partition because of its depth.</summary>
    public bool Paused { get; set; }

    /// <summary>The last offset given to a commit, so that an idle partition is not committed again.</summary>
    public Offset Committed { get; set; } = Offset.Unset;

    /// <summary>Where the partition ends, as far as the client knows; kept by the poll loop.</summary>
    public long End { get; set; } = Offset.Unset;

    /// <summary>The next offset after the last record processed, or unset.</summary>
    public Offset Processed => Volatile.Read(ref processed);

    /// <summary>The first offset that was read; where nothing is processed yet, the lag counts from here.</summary>
    public Offset First { get; private set; } = Offset.Unset;

    /// <summary>The failure that stopped the work, under the policy <see cref="BadRecordPolicy.Stop"/>.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Records that are read and not processed, that in hand included.</summary>
    public int Depth => Volatile.Read(ref depth);

    /// <summary>Whether half of the bounds is free, or nothing was full since it was.</summary>
    public bool HasRoom => room.IsSet;

    /// <summary>Records behind <see cref="End"/> that are not processed.</summary>
    public long Lag
    {
        get
        {
            var next = Processed != Offset.Unset ? Processed : First;
            return End < 0 || next.Value < 0 ? 0 : Math.Max(0, End - next.Value);
        }
    }

    /// <summary>Waits for room, so that a handler that is only a little slower does not cost a pause.</summary>
    public bool WaitForRoom(TimeSpan atMost) => room.Wait(atMost);

    public void Add(ConsumeResult<byte[], byte[]> record)
    {
        if (First == Offset.Unset)
            First = record.Offset;
        Count(record, 1);
        records.Writer.TryWrite(record);
    }

    /// <summary>
    /// Lets the record in hand end within the grace and forgets the rest. After the grace it cancels. False when the
    /// handler did not end even then; else <see cref="Processed"/> moves no more.
    /// </summary>
    public async Task<bool> DrainAsync(TimeSpan grace, TimeSpan cancelGrace)
    {
        await draining.CancelAsync();
        if (grace > TimeSpan.Zero && await EndedAsync(grace))
            return true;
        await cancelled.CancelAsync();
        return await EndedAsync(cancelGrace);
    }

    private async Task<bool> EndedAsync(TimeSpan within)
    {
        await working.WaitAsync(within, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return working.IsCompleted;
    }

    private async Task WorkAsync()
    {
        try
        {
            while (true)
            {
                var record = await records.Reader.ReadAsync(draining.Token);
                await handle(record, new WorkSignals(draining.Token, cancelled.Token));
                Volatile.Write(ref processed, record.Offset.Value + 1);
                Count(record, -1);
            }
        }
        catch (OperationCanceledException) when (draining.IsCancellationRequested)
        {
            // What was not processed will be delivered again.
        }
        catch (Exception e)
        {
            Failure = e;
        }
    }

    private void Count(ConsumeResult<byte[], byte[]> record, int change)
    {
        lock (sync)
        {
            depth += change;
            bytes += change * ((record.Message.Key?.Length ?? 0) + (record.Message.Value?.Length ?? 0));
            if (depth >= options.QueueDepthMax || bytes >= options.QueueBytesMax)
                room.Reset();
            else if (depth <= options.QueueDepthMax / 2 && bytes <= options.QueueBytesMax / 2)
                room.Set();
        }
    }
}

/// <summary>
/// What a record in hand listens to. <paramref name="Draining"/>: no next try of what failed;
/// <paramref name="Cancelled"/>: end now.
/// </summary>
internal readonly record struct WorkSignals(CancellationToken Draining, CancellationToken Cancelled);
