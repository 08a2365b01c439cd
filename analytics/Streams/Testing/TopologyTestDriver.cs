using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using EventStream.Streams.Runtime;

namespace EventStream.Streams.Testing;

/// <summary>A record that a topology wrote.</summary>
public sealed record OutputOf<TKey, TValue>(TKey Key, TValue Value, DateTimeOffset Time, Headers? Headers);

/// <summary>
/// Runs a topology in memory, on the caller's thread: the same nodes, stores, serdes and tasks as on a broker, one
/// partition, and time that moves only by records and by <see cref="AdvanceStreamTime"/>. Changelogs are kept, so
/// that a restart can be tried too.
/// </summary>
public sealed class TopologyTestDriver
{
    private readonly string application;
    private readonly Topology topology;
    private readonly Dictionary<string, List<OutputRecord>> written = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<OutputRecord>> changelogs = new(StringComparer.Ordinal);
    private readonly Queue<RawRecord> between = new();
    private List<StreamTask> tasks = [];
    private long offset;

    public TopologyTestDriver(Topology topology, string applicationId = "test")
    {
        (this.topology, application) = (topology, applicationId);
        CreateTasks();
    }

    /// <summary>What to do with an input that cannot be read; by default the test fails.</summary>
    public BadRecordPolicy BadRecords { get; set; } = BadRecordPolicy.Stop;

    /// <summary>Records that came after their window was closed.</summary>
    public long Late => tasks.Sum(task => task.Context.Late);

    /// <summary>Inputs that could not be read.</summary>
    public long Bad { get; private set; }

    /// <summary>Records written to changelogs.</summary>
    public long ChangelogRecords => changelogs.Values.Sum(log => (long)log.Count);

    /// <summary>Sends one record through the whole topology.</summary>
    public void Pipe<TKey, TValue>(
        string topic,
        Produced<TKey, TValue> by,
        TKey key,
        TValue value,
        DateTimeOffset time
    )
    {
        var headers = new Headers();
        by.Values.Describe(value, headers, new RecordOrigin($"in-{offset}", application, time, null));
        PipeRaw(topic, by.Keys.Write(key), by.Values.Write(value), headers, time);
    }

    /// <summary>Sends bytes.</summary>
    public void PipeRaw(string topic, byte[] key, byte[]? value, Headers? headers, DateTimeOffset time)
    {
        Dispatch(new RawRecord(topic, 0, offset++, key, value, headers, time));
        Settle();
    }

    /// <summary>Moves stream time of every task forward, as idle time does on a broker.</summary>
    public void AdvanceStreamTime(DateTimeOffset time)
    {
        foreach (var task in tasks)
            task.AdvanceStreamTime(time);
        Settle();
        foreach (var task in tasks)
            task.AdvanceStreamTime(time);
        Settle();
    }

    /// <summary>Takes what was written to a topic since the last call.</summary>
    public IReadOnlyList<OutputOf<TKey, TValue>> Read<TKey, TValue>(
        string topic,
        Serde<TKey> keys,
        Serde<TValue> values
    )
    {
        if (!written.Remove(topic, out var records))
            return [];
        return records
            .Select(record => new OutputOf<TKey, TValue>(
                keys.Read(record.Key, record.Headers),
                values.Read(record.Value, record.Headers),
                record.Time,
                record.Headers
            ))
            .ToList();
    }

    /// <summary>
    /// A store of the topology's only task that has it. Throws <see cref="TopologyException"/> where none has.
    /// </summary>
    public TStore Store<TStore>(string name)
        where TStore : class, IStateStore =>
        tasks.FirstOrDefault(task => task.Stores.Contains(name))?.Store(name) as TStore
        ?? throw new TopologyException($"No task has a {typeof(TStore).Name} called '{name}'.");

    /// <summary>Writes changed state to the changelogs, as a commit does.</summary>
    public void Commit()
    {
        foreach (var task in tasks)
            task.FlushState();
    }

    /// <summary>
    /// Forgets everything since the last <see cref="Commit"/> and restores the stores from their changelogs.
    /// </summary>
    public void Restart() => CreateTasks();

    private void CreateTasks()
    {
        tasks = topology.SubTopologies.Select(sub => new StreamTask(sub, 0, 1, application, Take, Unreadable)).ToList();
        foreach (var task in tasks)
        {
            foreach (var store in task.Stores)
            {
                var log = changelogs.GetValueOrDefault(StreamTask.ChangelogTopic(application, store)) ?? [];
                foreach (var change in log)
                    task.Restore(store, change.Key, change.Value);
            }

            task.Start();
        }
    }

    private void Take(OutputRecord record)
    {
        if (record.Topic.EndsWith("-changelog", StringComparison.Ordinal))
        {
            Add(changelogs, record);
            return;
        }

        Add(written, record);
        if (Reader(record.Topic) is not null)
            between.Enqueue(
                new RawRecord(record.Topic, 0, offset++, record.Key, record.Value, record.Headers, record.Time)
            );
    }

    private static void Add(Dictionary<string, List<OutputRecord>> logs, OutputRecord record)
    {
        if (!logs.TryGetValue(record.Topic, out var log))
            logs[record.Topic] = log = [];
        log.Add(record);
    }

    private void Settle()
    {
        foreach (var task in tasks)
        {
            while (task.ProcessNext()) { }
        }

        while (between.TryDequeue(out var record))
        {
            Dispatch(record);
            foreach (var task in tasks)
            {
                while (task.ProcessNext()) { }
            }
        }
    }

    private void Dispatch(RawRecord record)
    {
        var task = Reader(record.Topic) ?? throw new TopologyException($"No source reads '{record.Topic}'.");
        task.Add(record);
    }

    private StreamTask? Reader(string topic)
    {
        var sub = topology.SubTopologies.FirstOrDefault(s =>
            s.Sources.Any(source => source.Topic!.NameFor(application) == topic)
        );
        return sub is null ? null : tasks[sub.Id];
    }

    private void Unreadable(RawRecord record, Exception cause)
    {
        Bad++;
        if (BadRecords == BadRecordPolicy.Stop)
            throw new UnreadableRecordException($"Bad record in '{record.Topic}'.", cause);
    }
}
