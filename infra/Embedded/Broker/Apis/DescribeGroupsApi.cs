using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DescribeGroups: state, members and assignments of groups.</summary>
internal static class DescribeGroupsApi
{
    private static readonly GroupDescription Dead = new(GroupState.Dead, "", "", []);

    public static void Handle(BrokerNode node, Request request)
    {
        var writer = request.Writer;
        writer.WriteArray(
            request.Reader.ReadStringArray(),
            id => WriteGroup(writer, id, node.Groups.Find(id)?.Describe())
        );
    }

    private static void WriteGroup(ResponseWriter writer, string id, GroupDescription? found)
    {
        // An unknown group is a dead one; only the newest version has an error for it.
        var error = found is null && writer.Version >= 6 ? ErrorCode.GroupIdNotFound : ErrorCode.None;
        var group = found ?? Dead;
        writer.WriteError(error);
        writer.WriteSentence(error, since: 6);
        writer.WriteString(id);
        writer.WriteString(group.State.ToString());
        writer.WriteString(group.ProtocolType);
        writer.WriteString(group.ProtocolName);
        writer.WriteArray(
            group.Members,
            member =>
            {
                writer.WriteString(member.MemberId);
                writer.WriteString(member.InstanceId, since: 4);
                writer.WriteString(member.ClientId);
                writer.WriteString(member.ClientHost);
                writer.WriteBytes(member.Metadata);
                writer.WriteBytes(member.Assignment);
            }
        );
        writer.WriteInt32(int.MinValue, since: 3);
    }
}
