using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DeleteGroups: removes groups without members, and their offsets.</summary>
internal static class DeleteGroupsApi
{
    public static void Handle(BrokerNode node, Request request)
    {
        var writer = request.Writer;
        writer.WriteArray(
            request.Reader.ReadStringArray(),
            id =>
            {
                writer.WriteString(id);
                writer.WriteError(node.Groups.Delete(id));
            }
        );
    }
}
