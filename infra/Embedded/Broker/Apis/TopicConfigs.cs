using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>A resource that a request wants configured, with what it wants of it.</summary>
internal sealed record ConfigResource<TEntry>(byte Type, string Name, List<TEntry> Entries);

/// <summary>
/// What the two requests that configure topics have in common: the frame of request and answer, how a topic is found
/// and how its configuration is put in force. The broker itself is configured at its start only.
/// </summary>
internal static class TopicConfigs
{
    private const byte TopicResource = 2;

    /// <summary>Alters each resource of the request, or only tries to, and answers with what became of it.</summary>
    public static ValueTask AlterEach<TEntry>(
        Request request,
        Func<RequestReader, TEntry> readEntry,
        Func<ConfigResource<TEntry>, bool, (ErrorCode Error, string? Message)> alter
    )
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var resources = new List<ConfigResource<TEntry>>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            resources.Add(Read(reader, readEntry));
        }
        var validateOnly = reader.ReadBoolean();
        writer.WriteInt32(0);
        writer.WriteArrayLength(resources.Count);
        foreach (var resource in resources)
        {
            var (error, message) = alter(resource, validateOnly);
            writer.WriteError(error);
            writer.WriteString(message);
            writer.WriteByte(resource.Type);
            writer.WriteString(resource.Name);
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    /// <summary>The topic to configure; null with the reason when the resource is none or does not exist.</summary>
    public static Topic? Find(BrokerNode node, byte type, string name, out (ErrorCode Error, string? Message) refusal)
    {
        var topic = type == TopicResource ? node.Topics.Find(name) : null;
        refusal =
            type != TopicResource ? (ErrorCode.InvalidRequest, "Only topics can be configured while the broker runs.")
            : topic is null ? (ErrorCode.UnknownTopicOrPartition, Errors.Sentence(ErrorCode.UnknownTopicOrPartition))
            : default;
        return topic;
    }

    /// <summary>Puts entries that were checked in force, unless they were only to be tried.</summary>
    public static (ErrorCode Error, string? Message) Apply(
        BrokerNode node,
        Topic topic,
        Dictionary<string, string> set,
        bool validateOnly
    )
    {
        var error = validateOnly ? ErrorCode.None : node.Topics.Configure(topic, set);
        return (error, error == ErrorCode.None ? null : Errors.Sentence(error));
    }

    private static ConfigResource<TEntry> Read<TEntry>(RequestReader reader, Func<RequestReader, TEntry> readEntry)
    {
        var resource = new ConfigResource<TEntry>(reader.ReadByte(), reader.ReadString(), []);
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            resource.Entries.Add(readEntry(reader));
            reader.SkipTags();
        }
        reader.SkipTags();
        return resource;
    }
}
