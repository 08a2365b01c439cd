using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// AlterConfigs replaces the whole configuration of topics, so that what is not named is back at its default; older
/// clients know only this form. IncrementalAlterConfigs sets and unsets single entries. The broker itself is configured
/// at its start only.
/// </summary>
internal static class AlterConfigsApi
{
    private const byte TopicResource = 2;
    private const byte Set = 0;
    private const byte Delete = 1;
    private const byte Append = 2;
    private const byte Subtract = 3;

    private readonly record struct Change(string Name, byte Operation, string? Value);

    private sealed record Resource(byte Type, string Name, List<Change> Changes);

    public static void Handle(BrokerNode node, Request request) => AlterEach(node, request, isIncremental: false);

    public static void HandleIncremental(BrokerNode node, Request request) =>
        AlterEach(node, request, isIncremental: true);

    private static void AlterEach(BrokerNode node, Request request, bool isIncremental)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var resources = reader.ReadArray(r => new Resource(
            r.ReadByte(),
            r.ReadString(),
            r.ReadArray(r => new Change(r.ReadString(), isIncremental ? r.ReadByte() : Set, r.ReadNullableString()))
        ));
        var validateOnly = reader.ReadBoolean();
        writer.WriteArray(
            resources,
            resource =>
            {
                var (error, message) = Alter(node, resource, isIncremental, validateOnly);
                writer.WriteError(error);
                writer.WriteString(message);
                writer.WriteByte(resource.Type);
                writer.WriteString(resource.Name);
            }
        );
    }

    private static (ErrorCode Error, string? Message) Alter(
        BrokerNode node,
        Resource resource,
        bool isIncremental,
        bool validateOnly
    )
    {
        if (resource.Type != TopicResource)
        {
            return (ErrorCode.InvalidRequest, "Only topics can be configured while the broker runs.");
        }
        if (node.Topics.Find(resource.Name) is not { } topic)
        {
            return (ErrorCode.UnknownTopicOrPartition, Errors.Sentence(ErrorCode.UnknownTopicOrPartition));
        }
        var set = isIncremental ? new Dictionary<string, string>(topic.Config.Set) : [];
        foreach (var change in resource.Changes)
        {
            if (isIncremental && change.Value is null && change.Operation != Delete)
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
        if (TopicConfig.Entries.All(e => e.Name != change.Name))
        {
            return TopicConfig.Check(change.Name, change.Value);
        }
        if (change.Operation == Delete)
        {
            set.Remove(change.Name);
            return null;
        }
        if (change.Operation > Subtract)
        {
            return $"Unknown operation {change.Operation}; they are set, delete, append and subtract (0 to 3).";
        }
        var value = change.Operation switch
        {
            Append => string.Join(',', config.Value(change.Name).Split(',').Append(change.Value).Distinct()),
            Subtract => string.Join(',', config.Value(change.Name).Split(',').Where(v => v != change.Value)),
            _ => change.Value,
        };
        var problem = TopicConfig.Check(change.Name, value);
        if (problem is null)
        {
            set[change.Name] = value!;
        }
        return problem;
    }
}
