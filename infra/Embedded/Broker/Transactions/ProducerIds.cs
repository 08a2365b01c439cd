using EventStream.Embedded.Broker.Log;

namespace EventStream.Embedded.Broker.Transactions;

/// <summary>
/// Hands out producer ids, each only once: a block at a time is set aside in the journal before it is used.
/// </summary>
internal sealed class ProducerIds
{
    /// <summary>No transactional id can be this, since the clients' may not be empty.</summary>
    public const string Key = "";

    private const long BlockSize = 1000;
    private readonly Lock _gate = new();
    private readonly Journal _journal;
    private long _next;
    private long _blockEnd;

    public ProducerIds(Journal journal)
    {
        _journal = journal;
        _next = _blockEnd = journal.Entries.TryGetValue(Key, out var value) ? BitConverter.ToInt64(value) : BlockSize;
    }

    public long Next()
    {
        lock (_gate)
        {
            if (_next == _blockEnd)
            {
                _journal.Put(new JournalEntry(Key, BitConverter.GetBytes(_blockEnd + BlockSize)));
                _blockEnd += BlockSize;
            }
            return _next++;
        }
    }
}
