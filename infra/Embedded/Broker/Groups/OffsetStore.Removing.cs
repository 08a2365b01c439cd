namespace EventStream.Embedded.Broker.Groups;

internal sealed partial class OffsetStore
{
    /// <summary>Forgets one offset of a group; one that was never committed is no error.</summary>
    public void RemovePartition(string group, TopicPartition partition) =>
        Remove((name, known) => name == group && known == partition);
}
