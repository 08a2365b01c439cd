using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>CreatePartitions: lets topics grow; they never shrink.</summary>
internal static class CreatePartitionsApi
{
    private readonly record struct Wanted(string Name, int Total, int Assigned);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var wanted = new List<Wanted>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            var name = reader.ReadString();
            var total = reader.ReadInt32();
            var assigned = reader.ReadNullableArrayLength();
            for (var i = 0; i < assigned; i++)
            {
                reader.ReadInt32Array();
                reader.SkipTags();
            }
            reader.SkipTags();
            wanted.Add(new Wanted(name, total, assigned));
        }
        reader.ReadInt32();
        var validateOnly = reader.ReadBoolean();
        writer.WriteInt32(0);
        writer.WriteArrayLength(wanted.Count);
        foreach (var topic in wanted)
        {
            Grow(node, writer, topic, validateOnly);
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
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
        writer.WriteTags();
    }
}
