using System.Collections.Concurrent;

namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>What the clients of a crash run were told by the broker; the records at the end must bear it out.</summary>
internal sealed class Evidence
{
    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<string> _errors = new();

    /// <summary>For each producer the acknowledged numbers and their offsets.</summary>
    public Dictionary<string, SortedDictionary<int, long>> Acknowledged { get; } = new(StringComparer.Ordinal);

    /// <summary>The transfers that were said to be committed.</summary>
    public HashSet<string> Committed { get; } = new(StringComparer.Ordinal);

    /// <summary>The transfers that were said to be aborted.</summary>
    public HashSet<string> Aborted { get; } = new(StringComparer.Ordinal);

    /// <summary>For each partition the offsets that a consumer has processed.</summary>
    public Dictionary<int, HashSet<long>> Processed { get; } = [];

    /// <summary>For each partition the greatest offset that a consumer has committed.</summary>
    public Dictionary<int, long> Kept { get; } = [];

    /// <summary>A commit of an offset before which something was not processed.</summary>
    public List<string> Contradictions { get; } = [];

    /// <summary>The last errors of clients, for the message of a failed run.</summary>
    public string Errors => string.Join('\n', _errors.TakeLast(10));

    /// <summary>Whether every kind of client has been told something.</summary>
    public bool IsComplete
    {
        get
        {
            lock (_gate)
            {
                return Acknowledged.Count >= CrashRun.Partitions && Committed.Count > 0 && Processed.Count > 0;
            }
        }
    }

    public void Add(string line)
    {
        var words = line.Split(' ');
        lock (_gate)
        {
            switch (words[0])
            {
                case "a":
                    NumbersOf(words[1])[int.Parse(words[2])] = long.Parse(words[3]);
                    break;
                case "t":
                    Committed.Add(words[1]);
                    break;
                case "x":
                    Aborted.Add(words[1]);
                    break;
                case "p":
                    OffsetsOf(int.Parse(words[1])).Add(long.Parse(words[2]));
                    break;
                case "k":
                    Keep(int.Parse(words[1]), long.Parse(words[2]));
                    break;
                default:
                    Contradictions.Add($"A client said '{line}'.");
                    break;
            }
        }
    }

    public void AddError(string error) => _errors.Enqueue(error);

    private void Keep(int partition, long offset) =>
        Kept[partition] = Math.Max(Kept.GetValueOrDefault(partition), offset);

    private SortedDictionary<int, long> NumbersOf(string producer)
    {
        if (!Acknowledged.TryGetValue(producer, out var numbers))
        {
            Acknowledged[producer] = numbers = [];
        }
        return numbers;
    }

    private HashSet<long> OffsetsOf(int partition)
    {
        if (!Processed.TryGetValue(partition, out var offsets))
        {
            Processed[partition] = offsets = [];
        }
        return offsets;
    }
}
