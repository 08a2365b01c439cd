using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// AlterConfigs: replaces the whole configuration of topics, so that what is not named is back at its default. Older
/// clients know only this form.
/// </summary>
internal static class AlterConfigsApi
{
    private readonly record struct Entry(string Name, string? Value);

    public static ValueTask HandleAsync(BrokerNode node, Request request) =>
        TopicConfigs.AlterEach(
            request,
            reader => new Entry(reader.ReadString(), reader.ReadNullableString()),
            (resource, validateOnly) => Alter(node, resource, validateOnly)
        );

    private static (ErrorCode Error, string? Message) Alter(
        BrokerNode node,
        ConfigResource<Entry> resource,
        bool validateOnly
    )
    {
        if (TopicConfigs.Find(node, resource.Type, resource.Name, out var refusal) is not { } topic)
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
        return TopicConfigs.Apply(node, topic, set, validateOnly);
    }
}
