using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Transactions;

/// <summary>The state of the transaction of a transactional id; the numbers are kept on disk.</summary>
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

    /// <summary>When anything was last written down, in milliseconds since 1970.</summary>
    public long UpdatedMs { get; set; }

    public HashSet<TopicPartition> Partitions { get; } = [];

    public HashSet<string> Groups { get; } = [];

    public bool IsPrepared => State is TransactionState.PrepareCommit or TransactionState.PrepareAbort;

    /// <summary>Whether nothing is under way and nothing was since the moment.</summary>
    public bool IsIdleSince(long ms) => State != TransactionState.Ongoing && !IsPrepared && UpdatedMs <= ms;

    /// <summary>
    /// Whether the id has expired, and this object with it; a producer that comes again gets a new one.
    /// </summary>
    public bool IsExpired { get; private set; }

    public void Expire()
    {
        IsExpired = true;
        (ProducerId, Epoch, PreviousEpoch) = (-1, -1, -1);
    }

    public bool IsOverdue(long nowMs) => State == TransactionState.Ongoing && nowMs - StartedMs >= TimeoutMs;

    /// <summary>Whether a producer of this id and epoch owns the transaction.</summary>
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
            PreviousEpoch = -1;
            Partitions.Clear();
            Groups.Clear();
        }
    }

    /// <summary>
    /// Enters the next epoch. Only a producer that goes on is remembered by its old one, to know its request again;
    /// nobody that was fenced may come back by it.
    /// </summary>
    public void RenewEpoch(bool goesOn)
    {
        PreviousEpoch = goesOn ? Epoch : (short)-1;
        Epoch++;
    }

    /// <summary>Begins with a new producer id, for a new transactional id or when the epochs are used up.</summary>
    public void BeginProducer(long producerId)
    {
        ProducerId = producerId;
        Epoch = 0;
        PreviousEpoch = -1;
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
        writer.WriteInt64(UpdatedMs);
        return writer.Written.ToArray();
    }

    public static Transaction Decode(string id, byte[] value)
    {
        var transaction = new Transaction(id);
        transaction.Restore(value);
        return transaction;
    }

    /// <summary>Becomes again what <see cref="Encode"/> was called on.</summary>
    public void Restore(byte[] value)
    {
        var reader = new RequestReader();
        reader.Reset(value, 0, value.Length);
        State = (TransactionState)reader.ReadByte();
        ProducerId = reader.ReadInt64();
        Epoch = reader.ReadInt16();
        PreviousEpoch = reader.ReadInt16();
        TimeoutMs = reader.ReadInt32();
        StartedMs = reader.ReadInt64();
        Partitions.Clear();
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            Partitions.Add(new TopicPartition(reader.ReadString(), reader.ReadInt32()));
        }
        Groups.Clear();
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            Groups.Add(reader.ReadString());
        }
        UpdatedMs = reader.Remaining >= sizeof(long) ? reader.ReadInt64() : StartedMs;
    }
}
