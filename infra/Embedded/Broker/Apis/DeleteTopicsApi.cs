using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DeleteTopics: removes topics with their records and the offsets that groups committed for them.</summary>
internal static class DeleteTopicsApi
{
    private const short IdsSince = 6;

    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        // Only the newer form is an array of structures; names alone have no tags.
        var wanted =
            request.Version >= IdsSince
                ? reader.ReadArray(r => (Name: r.ReadNullableString(), Id: r.ReadUuid()))
                : [.. reader.ReadStringArray().Select(name => ((string?)name, Guid.Empty))];
        writer.WriteArray(
            wanted,
            topic =>
            {
                var found = topic.Name is { } name ? node.Topics.Find(name) : node.Topics.Find(topic.Id);
                var missing = topic.Name is null ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition;
                var error = found is null ? missing : Delete(node, found, missing);
                writer.WriteString(found?.Name ?? topic.Name);
                writer.WriteUuid(found?.Id ?? topic.Id, IdsSince);
                writer.WriteError(error);
                writer.WriteSentence(error, since: 5);
            }
        );
    }

    private static ErrorCode Delete(BrokerNode node, Topic topic, ErrorCode missing)
    {
        try
        {
            if (!node.Topics.Delete(topic))
            {
                return missing;
            }
            node.Groups.Offsets.RemoveTopic(topic.Name);
            return ErrorCode.None;
        }
        catch (IOException e)
        {
            BrokerLog.UpkeepFailed(node.Logger, e, "topic " + topic.Name);
            return ErrorCode.KafkaStorageError;
        }
    }
}
