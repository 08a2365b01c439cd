using Confluent.Kafka;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// The truth about what a producer holds: at most so many records and bytes are with the client, the others wait in
/// the order of their calls. A waiting record keeps its caller waiting, so that the callers bound how many there are.
/// </summary>
/// <remarks> The call that frees a place hands the next record over itself, under the lock: were the waiting callers
/// woken to do it, their order, and with it the order of a key, would be left to the scheduler. </remarks>
internal sealed class InFlightWindow(int recordsMax, long bytesMax, Func<PendingRecord, Error?> handOver)
{
    private readonly Lock sync = new();
    private readonly LinkedList<PendingRecord> waiting = new();
    private PendingRecord? first;
    private long bytes;
    private int records;
    private bool closed;

    /// <summary>Records with the client.</summary>
    public int Records => Volatile.Read(ref records);

    /// <summary>Bytes of keys, values and headers with the client.</summary>
    public long Bytes => Volatile.Read(ref bytes);

    /// <summary>Records that wait for a place.</summary>
    public int Waiting
    {
        get
        {
            lock (sync)
                return waiting.Count;
        }
    }

    /// <summary>
    /// Gives the record a place and hands it over, or has it wait; ends when it has its place. A record larger than
    /// all bytes goes alone.
    /// </summary>
    public ValueTask EnterAsync(PendingRecord record, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (sync)
        {
            ObjectDisposedException.ThrowIf(closed, typeof(EventProducer));
            if (waiting.Count > 0 || !Fits(record))
                return new ValueTask(WaitAsync(record, cancellation));
            Admit(record);
        }

        if (handOver(record) is { } error)
            record.Settle(error);
        return ValueTask.CompletedTask;
    }

    /// <summary>Frees the place of a record whose outcome is known. False when it had none any more.</summary>
    public bool TryLeave(PendingRecord record)
    {
        List<(PendingRecord Record, Error Error)>? refused = null;
        lock (sync)
        {
            if (!record.IsLinked)
                return false;
            Unlink(record);
            while (waiting.First is { Value: var next } && Fits(next))
            {
                waiting.RemoveFirst();
                Admit(next);
                if (handOver(next) is { } error)
                    (refused ??= []).Add((next, error));
                next.Admitted!.TrySetResult();
            }
        }

        foreach (var (late, error) in refused ?? [])
            late.Settle(error);
        return true;
    }

    /// <summary>Refuses further records and gives up those that wait and those in flight; returns them.</summary>
    public IReadOnlyList<PendingRecord> Close()
    {
        var left = new List<PendingRecord>();
        lock (sync)
        {
            closed = true;
            for (var record = first; record is not null; record = record.Next)
                left.Add(record);
            foreach (var record in left)
                Unlink(record);
            foreach (var record in waiting)
            {
                left.Add(record);
                record.Admitted!.TrySetResult();
            }

            waiting.Clear();
        }

        return left;
    }

    private bool Fits(PendingRecord record) =>
        records < recordsMax && (bytes + record.Bytes <= bytesMax || records == 0);

    private async Task WaitAsync(PendingRecord record, CancellationToken cancellation)
    {
        // Called under the lock; what follows the first wait is not.
        record.Admitted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var node = waiting.AddLast(record);
        await using var registration = cancellation.UnsafeRegister(_ => Abandon(node, cancellation), null);
        await record.Admitted.Task;
    }

    private void Abandon(LinkedListNode<PendingRecord> node, CancellationToken cancellation)
    {
        lock (sync)
        {
            if (node.List is null)
                return;
            waiting.Remove(node);
        }

        node.Value.Admitted!.TrySetCanceled(cancellation);
    }

    private void Admit(PendingRecord record)
    {
        (records, bytes) = (records + 1, bytes + record.Bytes);
        (record.Next, record.IsLinked) = (first, true);
        if (first is not null)
            first.Previous = record;
        first = record;
    }

    private void Unlink(PendingRecord record)
    {
        (records, bytes) = (records - 1, bytes - record.Bytes);
        if (record.Previous is { } before)
            before.Next = record.Next;
        else
            first = record.Next;
        if (record.Next is { } after)
            after.Previous = record.Previous;
        (record.Previous, record.Next, record.IsLinked) = (null, null, false);
    }
}

/// <summary>A record in flight: what is sent, and who gets the outcome.</summary>
internal sealed class PendingRecord(
    string topic,
    Message<byte[], byte[]> message,
    Action<PublishException?> delivered,
    Action<PendingRecord, Error> settled
)
{
    /// <summary>What headers and framing add to key and value, about.</summary>
    private const int OverheadBytes = 300;

    public string Topic { get; } = topic;

    public Action<PublishException?> Delivered { get; } = delivered;

    public int Bytes { get; } = (message.Key?.Length ?? 0) + (message.Value?.Length ?? 0) + OverheadBytes;

    /// <summary>When it was handed over, where somebody measures.</summary>
    public long StartedAt { get; set; }

    /// <summary>Set while and after it waits for a place.</summary>
    public TaskCompletionSource? Admitted { get; set; }

    public PendingRecord? Previous { get; set; }

    public PendingRecord? Next { get; set; }

    public bool IsLinked { get; set; }

    /// <summary>
    /// What is sent. It is kept until the outcome is known, as it is sent again where its batch was refused for another
    /// record.
    /// </summary>
    public Message<byte[], byte[]> Message { get; } = message;

    /// <summary>Whether it went in a batch of its own, so that a refusal is about itself.</summary>
    public bool SentAlone { get; set; }

    /// <summary>The client's word on it.</summary>
    public void Report(DeliveryReport<byte[], byte[]> report) => settled(this, report.Error);

    /// <summary>The outcome, without or before a report of the client.</summary>
    public void Settle(Error error) => settled(this, error);
}
