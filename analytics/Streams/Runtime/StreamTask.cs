using EventStream.Streams.Processors;

namespace EventStream.Streams.Runtime;

/// <summary>
/// One sub-topology for one partition: its nodes, stores, queues and stream time. It is single-threaded and knows no
/// broker; records go in, output records come out. Of several inputs the record with the earliest event time goes
/// first.
/// </summary>
internal sealed class StreamTask
{
    private const string TimeKey = "stream-time";
    private readonly Dictionary<string, ISource> sources = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Queue<DecodedRecord>> queues = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IStateStore> stores = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> nextOffsets = new(StringComparer.Ordinal);
    private readonly KeyValueStore<string, long>? timeStore;
    private readonly SubTopology sub;
    private readonly string applicationId;
    private readonly Action<OutputRecord> send;
    private readonly Action<RawRecord, Exception> bad;

    public StreamTask(
        SubTopology sub,
        int partition,
        int partitions,
        string applicationId,
        Action<OutputRecord> send,
        Action<RawRecord, Exception> bad
    )
    {
        (this.sub, this.applicationId, this.bad) = (sub, applicationId, bad);
        this.send = record => send(record with { Topic = Resolve(record.Topic) });
        Partition = partition;
        Id = $"{sub.Id}_{partition}";
        foreach (var store in sub.Stores)
            stores[store.Name] = store.Create();
        if (stores.Count > 0)
        {
            timeStore = new KeyValueStore<string, long>($"task-{sub.Id}-time", Serdes.Text, Serdes.Long);
            stores[timeStore.Name] = timeStore;
        }

        Context = new TaskContext(Id, partition, partitions, applicationId, stores, this.send);
    }

    public string Id { get; }

    public int Partition { get; }

    public TaskContext Context { get; }

    /// <summary>Names of the stores, each of which has a changelog topic.</summary>
    public IReadOnlyCollection<string> Stores => stores.Keys;

    /// <summary>Input topic to the offset after the last record processed, where that is not committed yet.</summary>
    public IReadOnlyDictionary<string, long> NextOffsets => nextOffsets;

    /// <summary>
    /// Wall-clock reading, in the units of the time provider, at which the last record was processed.
    /// </summary>
    public long LastRecordAt { get; set; }

    /// <summary>Stream time after the last record; idle time is added to it.</summary>
    public DateTimeOffset LastRecordTime { get; private set; }

    public bool HasQueued => queues.Values.Any(queue => queue.Count > 0);

    public long Processed { get; private set; }

    public static string ChangelogTopic(string applicationId, string store) => $"{applicationId}-{store}-changelog";

    public IStateStore Store(string name) => stores[name];

    /// <summary>Builds the nodes. Called once, after the stores are restored.</summary>
    public void Start()
    {
        if (timeStore is not null && timeStore.TryGet(TimeKey, out var ms))
        {
            Context.RestoreStreamTime(DateTimeOffset.FromUnixTimeMilliseconds(ms));
            LastRecordTime = Context.StreamTime;
        }

        var nodes = new Dictionary<string, IProcessorNode>(StringComparer.Ordinal);
        foreach (var spec in sub.Nodes)
        {
            var node = nodes[spec.Name] = spec.Create();
            foreach (var parent in spec.Parents)
                nodes[parent].AddChild(node);
            if (spec.Kind != NodeKind.Source)
                continue;
            var topic = spec.Topic!.NameFor(applicationId);
            sources[topic] = (ISource)node;
            queues[topic] = new Queue<DecodedRecord>();
        }

        foreach (var node in nodes.Values)
            node.Start(Context);
    }

    public void Restore(string store, byte[] key, byte[]? value) =>
        ((IChangelogged)stores[store]).Restore(key, value);

    /// <summary>Takes a record of one of the task's inputs; it is processed when its turn comes.</summary>
    public void Add(RawRecord raw)
    {
        DecodedRecord decoded;
        try
        {
            decoded = sources[raw.Topic].Decode(raw);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            decoded = new DecodedRecord(raw, Context.StreamTime, () => bad(raw, e));
        }

        queues[raw.Topic].Enqueue(decoded);
    }

    /// <summary>Processes the earliest record in the queues; false when there is none.</summary>
    public bool ProcessNext()
    {
        Queue<DecodedRecord>? first = null;
        foreach (var queue in queues.Values)
        {
            if (queue.Count > 0 && (first is null || queue.Peek().Time < first.Peek().Time))
                first = queue;
        }

        if (first is null)
            return false;
        var record = first.Dequeue();
        Context.Begin(null);
        Context.AdvanceStreamTime(record.Time);
        Context.Begin(record.Raw);
        record.Process();
        nextOffsets[record.Raw.Topic] = record.Raw.Offset + 1;
        Processed++;
        LastRecordTime = Context.StreamTime;
        return true;
    }

    /// <summary>What was handed over is committed.</summary>
    public void Committed() => nextOffsets.Clear();

    /// <summary>Moves stream time forward without a record.</summary>
    public void AdvanceStreamTime(DateTimeOffset time)
    {
        Context.Begin(null);
        Context.AdvanceStreamTime(time);
    }

    /// <summary>
    /// Writes what changed in the stores to their changelogs; then the offsets count as handed over.
    /// </summary>
    public void FlushState()
    {
        if (timeStore is not null && Context.StreamTime > DateTimeOffset.MinValue)
        {
            var now = Context.StreamTime.ToUnixTimeMilliseconds();
            if (!timeStore.TryGet(TimeKey, out var stored) || stored != now)
                timeStore.Put(TimeKey, now);
        }

        foreach (var store in stores.Values.Cast<IChangelogged>())
        {
            store.Flush(
                (key, value) =>
                    send(
                        new OutputRecord($"@{store.Name}-changelog", Partition, key, value, null, Context.StreamTime)
                    )
            );
        }
    }

    private string Resolve(string topic) => topic.StartsWith('@') ? $"{applicationId}-{topic.AsSpan(1)}" : topic;
}
