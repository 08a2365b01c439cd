using Confluent.Kafka;
using EventStream.Streams.Runtime;

namespace EventStream.Streams;

/// <summary>A record on its way to a topic; a null partition is chosen by the key.</summary>
internal sealed record OutputRecord(
    string Topic,
    int? Partition,
    byte[] Key,
    byte[]? Value,
    Headers? Headers,
    DateTimeOffset Time
);

/// <summary>What a task hands to its processors: stores, time, punctuations and the way out.</summary>
internal sealed class TaskContext(
    string taskId,
    int partition,
    int partitions,
    string applicationId,
    IReadOnlyDictionary<string, IStateStore> stores,
    Action<OutputRecord> send
) : ITaskContext
{
    private readonly List<Punctuation> punctuations = [];
    private RawRecord? current;
    private int outputs;

    public string TaskId => taskId;

    public int Partition => partition;

    public int Partitions => partitions;

    public DateTimeOffset StreamTime { get; private set; } = DateTimeOffset.MinValue;

    public long Late { get; private set; }

    public TStore Store<TStore>(string name)
        where TStore : class, IStateStore =>
        stores.TryGetValue(name, out var store)
            ? store as TStore ?? throw new TopologyException($"Store '{name}' is a {store.GetType().Name}.")
            : throw new TopologyException($"Store '{name}' is not connected in task {taskId}.");

    public void SchedulePunctuation(TimeSpan interval, Action<DateTimeOffset> action) =>
        punctuations.Add(new Punctuation(interval, action));

    public void CountLate(string what)
    {
        Late++;
        StreamsMetrics.Late.Add(1, new("task", taskId), new("store", what));
    }

    public void Send(OutputRecord record)
    {
        outputs++;
        send(record);
    }

    /// <summary>
    /// The origin of the next output: derived from the record in hand, or from the moment of the punctuation.
    /// </summary>
    public RecordOrigin NextOrigin(DateTimeOffset time)
    {
        var id = current is { } raw
            ? $"{applicationId}/{taskId}/{raw.Topic}/{raw.Partition}/{raw.Offset}/{outputs}"
            : $"{applicationId}/{taskId}/{StreamTime.ToUnixTimeMilliseconds()}/{outputs}";
        return new RecordOrigin(id, applicationId, time, current?.TraceParent);
    }

    public void Begin(RawRecord? record) => (current, outputs) = (record, 0);

    /// <summary>Sets stream time without punctuation: what was known at the last commit.</summary>
    public void RestoreStreamTime(DateTimeOffset time) => StreamTime = time > StreamTime ? time : StreamTime;

    /// <summary>Moves stream time forward, and calls the punctuations whose boundary it passes.</summary>
    public void AdvanceStreamTime(DateTimeOffset time)
    {
        if (time <= StreamTime)
            return;
        var before = StreamTime;
        StreamTime = time;
        foreach (var punctuation in punctuations)
        {
            if (before == DateTimeOffset.MinValue)
                continue;
            var boundary = TimeWindows.StartOf(time, punctuation.Interval);
            if (boundary > before)
                punctuation.Action(time);
        }
    }

    private sealed record Punctuation(TimeSpan Interval, Action<DateTimeOffset> Action);
}
