using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DeleteTopics: removes topics with their records and the offsets that groups committed for them.</summary>
internal static class DeleteTopicsApi
{
    private readonly record struct Wanted(string? Name, Guid Id);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var wanted = new List<Wanted>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            wanted.Add(
                version >= 6
                    ? new Wanted(reader.ReadNullableString(), reader.ReadUuid())
                    : new Wanted(reader.ReadString(), Guid.Empty)
            );
            if (version >= 6)
            {
                reader.SkipTags();
            }
        }
        writer.WriteInt32(0);
        writer.WriteArrayLength(wanted.Count);
        foreach (var topic in wanted)
        {
            Delete(node, writer, version, topic);
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static void Delete(BrokerNode node, ResponseWriter writer, short version, Wanted wanted)
    {
        Topic? topic = wanted.Name is { } name ? node.Topics.Find(name) : node.Topics.Find(wanted.Id);
        var missing = wanted.Name is null ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition;
        var error = topic is null ? missing : Delete(node, topic, missing);
        writer.WriteString(topic?.Name ?? wanted.Name);
        if (version >= 6)
        {
            writer.WriteUuid(topic?.Id ?? wanted.Id);
        }
        writer.WriteError(error);
        if (version >= 5)
        {
            writer.WriteString(error == ErrorCode.None ? null : Errors.Sentence(error));
        }
        writer.WriteTags();
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
