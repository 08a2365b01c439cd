using EventStream.Embedded.Broker.Groups;

namespace EventStream.Embedded.Broker.Transactions;

/// <summary>
/// A transaction as an administrator sees it; <see cref="StartedMs"/> in milliseconds since 1970, -1 when none runs.
/// </summary>
internal sealed record TransactionDescription(
    string Id,
    TransactionState State,
    int TimeoutMs,
    long StartedMs,
    long ProducerId,
    short Epoch,
    IReadOnlyList<TopicPartition> Partitions
)
{
    public static readonly TransactionDescription None = new("", TransactionState.Empty, 0, -1, -1, -1, []);
}

internal sealed partial class TransactionCoordinator
{
    /// <summary>The transaction of a transactional id, null when no producer has ever used the id.</summary>
    public TransactionDescription? Describe(string id) =>
        _byId.TryGetValue(id, out var transaction) ? Describe(transaction) : null;

    /// <summary>The transactions of all transactional ids.</summary>
    public List<TransactionDescription> DescribeAll()
    {
        var described = new List<TransactionDescription>();
        foreach (var transaction in _byId.Values)
        {
            described.Add(Describe(transaction));
        }
        return described;
    }

    private static TransactionDescription Describe(Transaction transaction)
    {
        lock (transaction.Gate)
        {
            var runs = transaction.State == TransactionState.Ongoing || transaction.IsPrepared;
            return new TransactionDescription(
                transaction.Id,
                transaction.State,
                transaction.TimeoutMs,
                runs ? transaction.StartedMs : -1,
                transaction.ProducerId,
                transaction.Epoch,
                [.. transaction.Partitions]
            );
        }
    }
}
