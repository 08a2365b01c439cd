using EventStream.Broker.Groups;
using EventStream.Broker.Protocol;

namespace EventStream.Broker.Transactions;

/// <summary>Where the transaction of a transactional id stands; the numbers are kept on disk.</summary>
internal enum TransactionState : byte
{
    Empty = 0,
    Ongoing = 1,
    PrepareCommit = 2,
    PrepareAbort = 3,
    CompleteCommit = 4,
    CompleteAbort = 5,
}

/// <summary>
/// The present transaction of one transactional id. Its own lock guards it; the coordinator writes it to disk.
/// </summary>
internal sealed class Transaction(string id)
{
    public Lock Gate { get; } = new();

    public string Id { get; } = id;

    public long ProducerId { get; set; } = -1;

    public short Epoch { get; set; } = -1;

    /// <summary>The epoch before the last change, by which a repeated request for a new epoch is recognised.</summary>
    public short PreviousEpoch { get; set; } = -1;

    public int TimeoutMs { get; set; }

    public TransactionState State { get; set; }

    /// <summary>When the transaction began, in milliseconds since 1970.</summary>
    public long StartedMs { get; set; }

    public HashSet<TopicPartition> Partitions { get; } = [];

    public HashSet<string> Groups { get; } = [];

    public bool IsPrepared => State is TransactionState.PrepareCommit or TransactionState.PrepareAbort;

    public bool IsOverdue(long nowMs) => State == TransactionState.Ongoing && nowMs - StartedMs >= TimeoutMs;

    /// <summary>Whether a producer of this id and epoch speaks for the transaction.</summary>
    public ErrorCode CheckProducer(long producerId, short epoch)
    {
        if (producerId != ProducerId)
        {
            return ErrorCode.InvalidProducerIdMapping;
        }
        return epoch == Epoch ? ErrorCode.None : ErrorCode.ProducerFenced;
    }

    /// <summary>Enters <see cref="TransactionState.Ongoing"/>, forgetting the transaction before.</summary>
    public void Begin(long nowMs)
    {
        if (State != TransactionState.Ongoing)
        {
            State = TransactionState.Ongoing;
            StartedMs = nowMs;
            Partitions.Clear();
            Groups.Clear();
        }
    }

    public byte[] Encode()
    {
        using var writer = new ResponseWriter();
        writer.WriteByte((byte)State);
        writer.WriteInt64(ProducerId);
        writer.WriteInt16(Epoch);
        writer.WriteInt16(PreviousEpoch);
        writer.WriteInt32(TimeoutMs);
        writer.WriteInt64(StartedMs);
        writer.WriteInt32(Partitions.Count);
        foreach (var (topic, partition) in Partitions)
        {
            writer.WriteString(topic);
            writer.WriteInt32(partition);
        }
        writer.WriteInt32(Groups.Count);
        foreach (var group in Groups)
        {
            writer.WriteString(group);
        }
        return writer.Written.ToArray();
    }

    public static Transaction Decode(string id, byte[] value)
    {
        var reader = new RequestReader();
        reader.Reset(value, 0, value.Length);
        var transaction = new Transaction(id)
        {
            State = (TransactionState)reader.ReadByte(),
            ProducerId = reader.ReadInt64(),
            Epoch = reader.ReadInt16(),
            PreviousEpoch = reader.ReadInt16(),
            TimeoutMs = reader.ReadInt32(),
            StartedMs = reader.ReadInt64(),
        };
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            transaction.Partitions.Add(new TopicPartition(reader.ReadString(), reader.ReadInt32()));
        }
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            transaction.Groups.Add(reader.ReadString());
        }
        return transaction;
    }
}
