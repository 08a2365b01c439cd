using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>IncrementalAlterConfigs: sets and unsets entries of topics.</summary>
internal static class IncrementalAlterConfigsApi
{
    private const byte Delete = 1;
    private const byte Append = 2;
    private const byte Subtract = 3;

    private readonly record struct Change(string Name, byte Operation, string? Value);

    public static ValueTask HandleAsync(BrokerNode node, Request request) =>
        TopicConfigs.AlterEach(
            request,
            reader => new Change(reader.ReadString(), reader.ReadByte(), reader.ReadNullableString()),
            (resource, validateOnly) => Alter(node, resource, validateOnly)
        );

    private static (ErrorCode Error, string? Message) Alter(
        BrokerNode node,
        ConfigResource<Change> resource,
        bool validateOnly
    )
    {
        if (TopicConfigs.Find(node, resource.Type, resource.Name, out var refusal) is not { } topic)
        {
            return refusal;
        }
        var set = new Dictionary<string, string>(topic.Config.Set);
        foreach (var change in resource.Entries)
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
        return TopicConfigs.Apply(node, topic, set, validateOnly);
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
