using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DescribeGroups: state, members and assignments of groups.</summary>
internal static class DescribeGroupsApi
{
    private static readonly GroupDescription Dead = new(GroupState.Dead, "", "", []);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var ids = reader.ReadStringArray();
        if (version >= 1)
        {
            writer.WriteInt32(0);
        }
        writer.WriteArrayLength(ids.Length);
        foreach (var id in ids)
        {
            WriteGroup(writer, version, id, node.Groups.Find(id)?.Describe());
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static void WriteGroup(ResponseWriter writer, short version, string id, GroupDescription? found)
    {
        // An unknown group is a dead one; only the newest version has an error for it.
        var error = found is null && version >= 6 ? ErrorCode.GroupIdNotFound : ErrorCode.None;
        var group = found ?? Dead;
        writer.WriteError(error);
        if (version >= 6)
        {
            writer.WriteString(error == ErrorCode.None ? null : Errors.Sentence(error));
        }
        writer.WriteString(id);
        writer.WriteString(group.State.ToString());
        writer.WriteString(group.ProtocolType);
        writer.WriteString(group.ProtocolName);
        writer.WriteArrayLength(group.Members.Count);
        foreach (var member in group.Members)
        {
            WriteMember(writer, version, member);
        }
        if (version >= 3)
        {
            writer.WriteInt32(int.MinValue);
        }
        writer.WriteTags();
    }

    private static void WriteMember(ResponseWriter writer, short version, MemberDescription member)
    {
        writer.WriteString(member.MemberId);
        if (version >= 4)
        {
            writer.WriteString(member.InstanceId);
        }
        writer.WriteString(member.ClientId);
        writer.WriteString(member.ClientHost);
        writer.WriteBytes(member.Metadata);
        writer.WriteBytes(member.Assignment);
        writer.WriteTags();
    }
}
