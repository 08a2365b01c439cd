using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>CreatePartitions: lets topics grow; they never shrink.</summary>
internal static class CreatePartitionsApi
{
    private readonly record struct Wanted(string Name, int Total);

    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var wanted = reader.ReadArray(r =>
        {
            var topic = new Wanted(r.ReadString(), r.ReadInt32());
            r.ReadNullableArray(assignment => assignment.ReadInt32Array());
            return topic;
        });
        reader.ReadInt32();
        var validateOnly = reader.ReadBoolean();
        writer.WriteArray(wanted, topic => Grow(node, writer, topic, validateOnly));
    }

    private static void Grow(BrokerNode node, ResponseWriter writer, Wanted topic, bool validateOnly)
    {
        var error = node.Topics.AddPartitions(topic.Name, topic.Total, validateOnly);
        var has = node.Topics.Find(topic.Name)?.Partitions.Length;
        writer.WriteString(topic.Name);
        writer.WriteError(error);
        writer.WriteString(
            error switch
            {
                ErrorCode.None => null,
                ErrorCode.InvalidPartitions =>
                    $"Topic {topic.Name} has {has} partitions and cannot get {topic.Total}: more than it has, "
                        + $"and at most {node.Options.PartitionsMax} in all topics together.",
                _ => Errors.Sentence(error),
            }
        );
    }
}
