using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>LeaveGroup: members leave at once instead of letting their sessions run out.</summary>
internal static class LeaveGroupApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var group = node.Groups.Find(reader.ReadString());
        if (version >= 1)
        {
            writer.WriteInt32(0);
        }
        if (version < 3)
        {
            writer.WriteError(Leave(group, reader.ReadString(), null));
        }
        else
        {
            LeaveAll(group, request);
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static void LeaveAll(Group? group, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        writer.WriteError(ErrorCode.None);
        var count = reader.ReadArrayLength();
        writer.WriteArrayLength(count);
        for (var i = 0; i < count; i++)
        {
            var memberId = reader.ReadString();
            var instanceId = reader.ReadNullableString();
            if (request.Version >= 5)
            {
                reader.ReadNullableString();
            }
            reader.SkipTags();
            writer.WriteString(memberId);
            writer.WriteString(instanceId);
            writer.WriteError(Leave(group, memberId, instanceId));
            writer.WriteTags();
        }
    }

    private static ErrorCode Leave(Group? group, string memberId, string? instanceId) =>
        group?.Leave(memberId, instanceId) ?? ErrorCode.UnknownMemberId;
}
