using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DeleteGroups: removes groups without members, and their offsets.</summary>
internal static class DeleteGroupsApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var writer = request.Writer;
        var ids = request.Reader.ReadStringArray();
        writer.WriteInt32(0);
        writer.WriteArrayLength(ids.Length);
        foreach (var id in ids)
        {
            writer.WriteString(id);
            writer.WriteError(node.Groups.Delete(id));
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }
}
