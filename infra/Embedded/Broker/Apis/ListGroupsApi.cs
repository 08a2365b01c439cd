using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>ListGroups: every group, by state and type where the client filters.</summary>
internal static class ListGroupsApi
{
    private const string Classic = "classic";

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var states = version >= 4 ? reader.ReadStringArray() : [];
        var types = version >= 5 ? reader.ReadStringArray() : [];
        var groups = new List<(string Id, GroupDescription Group)>();
        foreach (var group in node.Groups.All)
        {
            var description = group.Describe();
            if (Passes(states, description.State.ToString()) && Passes(types, Classic))
            {
                groups.Add((group.Id, description));
            }
        }
        if (version >= 1)
        {
            writer.WriteInt32(0);
        }
        writer.WriteError(ErrorCode.None);
        writer.WriteArrayLength(groups.Count);
        foreach (var (id, group) in groups)
        {
            writer.WriteString(id);
            writer.WriteString(group.ProtocolType);
            if (version >= 4)
            {
                writer.WriteString(group.State.ToString());
            }
            if (version >= 5)
            {
                writer.WriteString(Classic);
            }
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static bool Passes(string[] filter, string value) =>
        filter.Length == 0 || filter.Contains(value, StringComparer.OrdinalIgnoreCase);
}
