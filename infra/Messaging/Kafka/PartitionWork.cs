using Confluent.Kafka;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Processes one partition in the background while the consumer goes on polling: in order per key, so many keys beside
/// each other. It owns the truth about how far the partition is processed: <see cref="Processed"/> is the offset to
/// commit, and everything before it is done.
/// </summary>
internal sealed class PartitionWork
{
    private static readonly byte[] NoKey = [];
    private readonly Func<ConsumeResult<byte[], byte[]>, WorkSignals, Task> handle;
    private readonly ConsumerOptions options;
    private readonly TimeProvider clock;
    private readonly Lock sync = new();
    private readonly Queue<Entry> inOrder = new();
    private readonly Queue<Entry> ready = new();

    // The keys in hand; the records behind each wait here, and null where there are none.
    private readonly Dictionary<byte[], Queue<Entry>?> keys = new(new KeyComparer());
    private readonly CancellationTokenSource draining = new();
    private readonly CancellationTokenSource cancelled = new();
    private readonly ManualResetEventSlim room = new(initialState: true);
    private readonly TaskCompletionSource idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long processed = Offset.Unset;
    private long lastBegun = -1;
    private long bytes;
    private int workers;

    public PartitionWork(
        TopicPartition partition,
        ConsumerOptions options,
        Func<ConsumeResult<byte[], byte[]>, WorkSignals, Task> handle,
        TimeProvider clock
    ) => (Partition, this.options, this.handle, this.clock) = (partition, options, handle, clock);

    public TopicPartition Partition { get; }

    /// <summary>Whether the poll loop has paused the partition because of its depth.</summary>
    public bool Paused { get; set; }

    /// <summary>The last offset given to a commit, so that an idle partition is not committed again.</summary>
    public Offset Committed { get; set; } = Offset.Unset;

    /// <summary>Where the partition ends, as far as the client knows; kept by the poll loop.</summary>
    public long End { get; set; } = Offset.Unset;

    /// <summary>The next offset after the last record processed without a gap, or unset.</summary>
    public Offset Processed => Volatile.Read(ref processed);

    /// <summary>The first offset that was read; where nothing is processed yet, the lag counts from here.</summary>
    public Offset First { get; private set; } = Offset.Unset;

    /// <summary>The failure that stopped the work, under the policy <see cref="BadRecordPolicy.Stop"/>.</summary>
    public Exception? Failure { get; private set; }

    public int Depth
    {
        get
        {
            lock (sync)
                return inOrder.Count;
        }
    }

    /// <summary>Whether the bounds are reached.</summary>
    public bool IsFull
    {
        get
        {
            lock (sync)
                return inOrder.Count >= options.QueueDepthMax || bytes >= options.QueueBytesMax;
        }
    }

    /// <summary>Whether half of the bounds is free again.</summary>
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
        var entry = new Entry(record);
        lock (sync)
        {
            if (First == Offset.Unset)
                First = record.Offset;
            inOrder.Enqueue(entry);
            bytes += entry.Bytes;
            if (inOrder.Count >= options.QueueDepthMax || bytes >= options.QueueBytesMax)
                room.Reset();
            if (!TryQueueBehindItsKey(entry))
                ready.Enqueue(entry);
            if (ready.Count == 0 || workers >= options.KeyConcurrencyMax || Failure is not null)
                return;
            workers++;
        }

        _ = Task.Run(WorkAsync);
    }

    /// <summary>
    /// Lets the records in hand end within the grace, and those before them, so that no gap makes done records come
    /// again; forgets the rest. After the grace it cancels. False when a handler did not end even then; else
    /// <see cref="Processed"/> moves no more.
    /// </summary>
    public async Task<bool> DrainAsync(TimeSpan grace, TimeSpan cancelGrace)
    {
        lock (sync)
        {
            draining.Cancel();
            for (var left = ready.Count; left > 0; left--)
            {
                var entry = ready.Dequeue();
                if (IsWithinDrain(entry))
                    ready.Enqueue(entry);
            }

            if (workers == 0)
                return true;
        }

        if (grace > TimeSpan.Zero && await EndedAsync(grace))
            return true;
        await cancelled.CancelAsync();
        return await EndedAsync(cancelGrace);
    }

    private async Task<bool> EndedAsync(TimeSpan within)
    {
        await idle.Task.WaitAsync(within, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return idle.Task.IsCompleted;
    }

    private async Task WorkAsync()
    {
        while (TryTake(out var entry))
        {
            try
            {
                await handle(entry.Record, new WorkSignals(draining.Token, cancelled.Token));
                Done(entry);
            }
            catch (OperationCanceledException) when (draining.IsCancellationRequested)
            {
                // It was not processed and will be delivered again.
            }
            catch (Exception e)
            {
                lock (sync)
                    Failure ??= e;
            }
        }
    }

    /// <summary>The next record that may begin; without one the worker ends.</summary>
    private bool TryTake(out Entry entry)
    {
        lock (sync)
        {
            if (!cancelled.IsCancellationRequested && Failure is null && ready.TryDequeue(out entry!))
            {
                lastBegun = Math.Max(lastBegun, entry.Record.Offset.Value);
                return true;
            }

            entry = null!;
            if (--workers == 0 && draining.IsCancellationRequested)
                idle.TrySetResult();
            return false;
        }
    }

    private bool TryQueueBehindItsKey(Entry entry)
    {
        if (options.KeyConcurrencyMax == 1)
            return false;
        var key = entry.Record.Message.Key ?? NoKey;
        if (keys.TryAdd(key, null))
            return false;
        (keys[key] ??= new Queue<Entry>()).Enqueue(entry);
        return true;
    }

    private void Done(Entry entry)
    {
        lock (sync)
        {
            entry.IsDone = true;
            if (options.KeyConcurrencyMax > 1)
                FreeKey(entry.Record.Message.Key ?? NoKey);
            while (inOrder.TryPeek(out var first) && first.IsDone)
            {
                inOrder.Dequeue();
                bytes -= first.Bytes;
                Volatile.Write(ref processed, first.Record.Offset.Value + 1);
            }

            if (inOrder.Count <= options.QueueDepthMax / 2 && bytes <= options.QueueBytesMax / 2)
                room.Set();
        }
    }

    private void FreeKey(byte[] key)
    {
        if (keys[key] is not { Count: > 0 } behind)
            keys.Remove(key);
        else if (IsWithinDrain(behind.Peek()))
            ready.Enqueue(behind.Dequeue());
    }

    /// <summary>While draining, only what lies before a record that was begun may still begin.</summary>
    private bool IsWithinDrain(Entry entry) =>
        !draining.IsCancellationRequested || entry.Record.Offset.Value < lastBegun;

    private sealed class Entry(ConsumeResult<byte[], byte[]> record)
    {
        public ConsumeResult<byte[], byte[]> Record { get; } = record;

        public int Bytes { get; } = (record.Message.Key?.Length ?? 0) + (record.Message.Value?.Length ?? 0);

        public bool IsDone { get; set; }
    }

    private sealed class KeyComparer : IEqualityComparer<byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj)
        {
            var hash = default(HashCode);
            hash.AddBytes(obj);
            return hash.ToHashCode();
        }
    }
}

/// <summary>
/// What a record in hand listens to. <paramref name="Draining"/>: no next try of what failed;
/// <paramref name="Cancelled"/>: end now.
/// </summary>
internal readonly record struct WorkSignals(CancellationToken Draining, CancellationToken Cancelled);
