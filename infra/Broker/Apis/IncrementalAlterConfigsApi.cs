using EventStream.Broker.Log;
using EventStream.Broker.Protocol;
using EventStream.Broker.Server;

namespace EventStream.Broker.Apis;

/// <summary>
/// IncrementalAlterConfigs: sets and unsets entries of topics; the broker itself is configured at its start only.
/// </summary>
internal static class IncrementalAlterConfigsApi
{
    private const byte TopicResource = 2;
    private const byte Delete = 1;
    private const byte Append = 2;
    private const byte Subtract = 3;

    private readonly record struct Change(string Name, byte Operation, string? Value);

    private sealed record Resource(byte Type, string Name, List<Change> Changes);

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

    /// <summary>The topic to configure; null with the reason when the resource is none or does not exist.</summary>
    public static Topic? FindTopic(
        BrokerNode node, byte type, string name, out (ErrorCode Error, string? Message) refusal)
    {
        var topic = type == TopicResource ? node.Topics.Find(name) : null;
        refusal = type != TopicResource
            ? (ErrorCode.InvalidRequest, "Only topics can be configured while the broker runs.")
            : topic is null
                ? (ErrorCode.UnknownTopicOrPartition, Errors.Sentence(ErrorCode.UnknownTopicOrPartition))
                : default;
        return topic;
    }

    private static Resource Read(RequestReader reader)
    {
        var resource = new Resource(reader.ReadByte(), reader.ReadString(), []);
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            resource.Changes.Add(new Change(reader.ReadString(), reader.ReadByte(), reader.ReadNullableString()));
            reader.SkipTags();
        }
        reader.SkipTags();
        return resource;
    }

    private static (ErrorCode Error, string? Message) Alter(BrokerNode node, Resource resource, bool validateOnly)
    {
        if (FindTopic(node, resource.Type, resource.Name, out var refusal) is not { } topic)
        {
            return refusal;
        }
        var set = new Dictionary<string, string>(topic.Config.Set);
        foreach (var change in resource.Changes)
        {
            if (change.Value is null && change.Operation != Delete)
            {
                return (ErrorCode.InvalidRequest, $"Configuration '{change.Name}' needs a value to be set to.");
            }
            if (Apply(topic.Config, set, change) is { } problem)
            {
                return (ErrorCode.InvalidConfig, problem);
            }
        }
        var error = validateOnly ? ErrorCode.None : node.Topics.Configure(topic, set);
        return (error, error == ErrorCode.None ? null : Errors.Sentence(error));
    }

    private static string? Apply(TopicConfig config, Dictionary<string, string> set, Change change)
    {
        var value = change.Operation switch
        {
            Append => string.Join(',', config.Value(change.Name).Split(',').Append(change.Value).Distinct()),
            Subtract => string.Join(',', config.Value(change.Name).Split(',').Where(v => v != change.Value)),
            _ => change.Value,
        };
        if (change.Operation == Delete)
        {
            set.Remove(change.Name);
            return TopicConfig.Entries.Any(e => e.Name == change.Name) ? null : TopicConfig.Check(change.Name, null);
        }
        if (change.Operation > Subtract)
        {
            return $"Unknown operation {change.Operation}; they are set, delete, append and subtract (0 to 3).";
        }
        var problem = TopicConfig.Check(change.Name, value);
        if (problem is null)
        {
            set[change.Name] = value!;
        }
        return problem;
    }
}
