using EventStream.Broker.Log;
using EventStream.Broker.Protocol;
using EventStream.Broker.Server;

namespace EventStream.Broker.Apis;

/// <summary>
/// AlterConfigs: replaces the whole configuration of topics, so that what is not named is back at its default. Older
/// clients know only this form.
/// </summary>
internal static class AlterConfigsApi
{
    private sealed record Resource(byte Type, string Name, Dictionary<string, string?> Entries);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var resources = new List<Resource>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            resources.Add(Read(reader));
        }
        var validateOnly = reader.ReadBoolean();
        writer.WriteInt32(0);
        writer.WriteArrayLength(resources.Count);
        foreach (var resource in resources)
        {
            var (error, message) = Alter(node, resource, validateOnly);
            writer.WriteError(error);
            writer.WriteString(message);
            writer.WriteByte(resource.Type);
            writer.WriteString(resource.Name);
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static Resource Read(RequestReader reader)
    {
        var resource = new Resource(reader.ReadByte(), reader.ReadString(), []);
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            var name = reader.ReadString();
            resource.Entries[name] = reader.ReadNullableString();
            reader.SkipTags();
        }
        reader.SkipTags();
        return resource;
    }

    private static (ErrorCode Error, string? Message) Alter(BrokerNode node, Resource resource, bool validateOnly)
    {
        if (IncrementalAlterConfigsApi.FindTopic(node, resource.Type, resource.Name, out var refusal) is not { } topic)
        {
            return refusal;
        }
        var set = new Dictionary<string, string>();
        foreach (var (name, value) in resource.Entries)
        {
            if (TopicConfig.Check(name, value) is { } problem)
            {
                return (ErrorCode.InvalidConfig, problem);
            }
            set[name] = value!;
        }
        if (!validateOnly)
        {
            node.Topics.Configure(topic, set);
        }
        return (ErrorCode.None, null);
    }
}
