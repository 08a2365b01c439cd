using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>ListGroups: every group, by state and type where the client filters.</summary>
internal static class ListGroupsApi
{
    private const string Classic = "classic";

    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var states = reader.ReadStringArray(since: 4);
        var types = reader.ReadStringArray(since: 5);
        var groups = node
            .Groups.All.Select(group => (group.Id, group.State, group.ProtocolType))
            .Where(group => Passes(states, group.State.ToString()) && Passes(types, Classic))
            .ToList();
        writer.WriteError(ErrorCode.None);
        writer.WriteArray(
            groups,
            group =>
            {
                writer.WriteString(group.Id);
                writer.WriteString(group.ProtocolType ?? "");
                writer.WriteString(group.State.ToString(), since: 4);
                writer.WriteString(Classic, since: 5);
            }
        );
    }

    private static bool Passes(string[] filter, string value) =>
        filter.Length == 0 || filter.Contains(value, StringComparer.OrdinalIgnoreCase);
}
