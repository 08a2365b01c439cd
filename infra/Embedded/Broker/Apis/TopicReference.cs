using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// A topic as a request refers to it: by its name or, from some version of the API on, by its id. The name is empty
/// when the id is not known.
/// </summary>
internal readonly record struct TopicReference(string Name, Guid Id, Topic? Topic, bool IsById)
{
    /// <summary>What is wrong with a reference to a partition that does not exist.</summary>
    public ErrorCode Missing => Topic is null && IsById ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition;

    public static TopicReference Read(BrokerNode node, RequestReader reader, short idsSince)
    {
        if (reader.Version < idsSince)
        {
            var name = reader.ReadString();
            return new TopicReference(name, Guid.Empty, node.Topics.Find(name), IsById: false);
        }
        var id = reader.ReadUuid();
        var topic = node.Topics.Find(id);
        return new TopicReference(topic?.Name ?? "", id, topic, IsById: true);
    }

    public void Write(ResponseWriter writer)
    {
        if (IsById)
        {
            writer.WriteUuid(Id);
        }
        else
        {
            writer.WriteString(Name);
        }
    }
}
