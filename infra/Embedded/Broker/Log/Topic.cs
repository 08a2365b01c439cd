namespace EventStream.Embedded.Broker.Log;

/// <summary>A topic as it is now. It is replaced as a whole when it grows or its configuration changes.</summary>
internal sealed record Topic(string Name, Guid Id, TopicConfig Config, PartitionLog[] Partitions)
{
    public PartitionLog? Partition(int index) => (uint)index < (uint)Partitions.Length ? Partitions[index] : null;
}
