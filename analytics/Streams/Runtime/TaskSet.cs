using Confluent.Kafka;

namespace EventStream.Streams.Runtime;

/// <summary>The tasks that a thread has at the moment, found by the partitions that feed them.</summary>
internal sealed class TaskSet(
    Topology topology,
    string applicationId,
    Func<SubTopology, int> partitionsOf,
    Action<OutputRecord> send,
    Action<RawRecord, Exception> bad
)
{
    private readonly Dictionary<(int Sub, int Partition), StreamTask> tasks = [];
    private readonly Dictionary<string, SubTopology> subOf = topology
        .SubTopologies.SelectMany(sub =>
            sub.Sources.Select(source => (topic: source.Topic!.NameFor(applicationId), sub))
        )
        .ToDictionary(pair => pair.topic, pair => pair.sub, StringComparer.Ordinal);

    public IReadOnlyCollection<StreamTask> All => tasks.Values;

    public IReadOnlyCollection<string> Topics => subOf.Keys;

    /// <summary>
    /// Makes a task for each sub-topology and partition among these; it still has to be restored and started.
    /// </summary>
    public IReadOnlyCollection<StreamTask> Create(IEnumerable<TopicPartition> partitions)
    {
        tasks.Clear();
        foreach (var partition in partitions)
        {
            var sub = subOf[partition.Topic];
            tasks.TryAdd(
                (sub.Id, partition.Partition.Value),
                new StreamTask(sub, partition.Partition.Value, partitionsOf(sub), applicationId, send, bad)
            );
        }

        return tasks.Values;
    }

    /// <summary>The input topics of a task.</summary>
    public IEnumerable<string> InputsOf(StreamTask task) =>
        subOf.Where(pair => task.Id == $"{pair.Value.Id}_{task.Partition}").Select(pair => pair.Key);

    public void Clear() => tasks.Clear();

    public StreamTask? Find(string topic, int partition) =>
        subOf.TryGetValue(topic, out var sub) ? tasks.GetValueOrDefault((sub.Id, partition)) : null;

    /// <summary>The offsets to commit: after the last record processed of each input.</summary>
    public IReadOnlyList<TopicPartitionOffset> NextOffsets() =>
        tasks
            .Values.SelectMany(task =>
                task.NextOffsets.Select(next => new TopicPartitionOffset(next.Key, task.Partition, next.Value))
            )
            .ToList();
}
