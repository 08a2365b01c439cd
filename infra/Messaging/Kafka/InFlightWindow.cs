using Confluent.Kafka;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// The truth about what a producer holds: at most so many records and bytes are with the client, the others wait in
/// the order of their calls. A waiting record keeps its caller waiting, so that the callers bound how many there are.
/// </summary>
/// <remarks>
/// Only the caller whose turn it is waits for a place and hands its record over, and turns are taken in the order of
/// the calls: with them the order of a key is kept.
/// </remarks>
internal sealed class InFlightWindow(int recordsMax, long bytesMax)
{
    private readonly Lock sync = new();
    private readonly SemaphoreSlim turn = new(1);
    private readonly HashSet<PendingRecord> held = [];
    private TaskCompletionSource? room;
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
                return held.Count - records;
        }
    }

    /// <summary>
    /// Gives the record a place and hands it over, or has it wait; ends when that is done. A record larger than all
    /// bytes goes alone. One that is still waiting at the end of the producer is not handed over.
    /// </summary>
    public async ValueTask EnterAsync(
        PendingRecord record,
        Action<PendingRecord> handOver,
        CancellationToken cancellation
    )
    {
        cancellation.ThrowIfCancellationRequested();
        lock (sync)
        {
            ObjectDisposedException.ThrowIf(closed, typeof(EventProducer));
            held.Add(record);
        }

        try
        {
            await turn.WaitAsync(cancellation);
        }
        catch
        {
            TryLeave(record);
            throw;
        }

        try
        {
            while (!IsSettled(record, out var change))
                await change.WaitAsync(cancellation);
            if (record.HasPlace)
                handOver(record);
        }
        catch
        {
            TryLeave(record);
            throw;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Frees the place of a record whose outcome is known. False when it is not held any more.</summary>
    public bool TryLeave(PendingRecord record)
    {
        lock (sync)
        {
            if (!held.Remove(record))
                return false;
            if (record.HasPlace)
                (records, bytes) = (records - 1, bytes - record.Bytes);
            room?.TrySetResult();
            return true;
        }
    }

    /// <summary>Refuses further records and gives up those that wait and those in flight; returns them.</summary>
    public IReadOnlyList<PendingRecord> Close()
    {
        lock (sync)
        {
            List<PendingRecord> left = [.. held];
            held.Clear();
            (records, bytes, closed) = (0, 0, true);
            room?.TrySetResult();
            return left;
        }
    }

    /// <summary>
    /// Whether the record has its place now, or is given up and needs none; else <paramref name="change"/> ends when a
    /// place is freed.
    /// </summary>
    private bool IsSettled(PendingRecord record, out Task change)
    {
        lock (sync)
        {
            change = Task.CompletedTask;
            if (!held.Contains(record))
                return true;
            if (records >= recordsMax || (bytes + record.Bytes > bytesMax && records > 0))
            {
                room = new(TaskCreationOptions.RunContinuationsAsynchronously);
                change = room.Task;
                return false;
            }

            record.HasPlace = true;
            (records, bytes) = (records + 1, bytes + record.Bytes);
            return true;
        }
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

    /// <summary>Whether it counts as in flight.</summary>
    public bool HasPlace { get; set; }

    /// <summary>
    /// What is sent. It is kept until the outcome is known, as it is sent again where its batch was refused for another
    /// record.
    /// </summary>
    public Message<byte[], byte[]> Message { get; } = message;

    /// <summary>Whether it went in a batch of its own, so that a refusal is about itself.</summary>
    public bool SentAlone { get; set; }

    /// <summary>The client's word on it.</summary>
    public void Report(DeliveryReport<byte[], byte[]> report) => settled(this, report.Error);
}
