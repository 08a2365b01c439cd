using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>JoinGroup: becomes a member of a group; the answer comes when the rebalance is over.</summary>
internal static class JoinGroupApi
{
    public static async ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var version = request.Version;
        var groupId = request.Reader.ReadString();
        var join = Read(request);
        var result =
            groupId.Length == 0
                ? new JoinResult(ErrorCode.InvalidGroupId, join.MemberId)
                : await node.Purgatory.WaitAsync(
                    WaitingFor.Join,
                    node.Groups.JoinAsync(groupId, join),
                    () => new JoinResult(ErrorCode.CoordinatorNotAvailable, join.MemberId),
                    request.Cancellation
                );
        var writer = request.Writer;
        if (version >= 2)
        {
            writer.WriteInt32(0);
        }
        writer.WriteError(result.Error);
        writer.WriteInt32(result.Generation);
        if (version >= 7)
        {
            writer.WriteString(result.ProtocolType);
        }
        writer.WriteString(version >= 7 ? result.ProtocolName : result.ProtocolName ?? "");
        writer.WriteString(result.Leader);
        if (version >= 9)
        {
            writer.WriteBoolean(result.SkipsAssignment);
        }
        writer.WriteString(result.MemberId);
        WriteMembers(writer, version, result.Members);
        writer.WriteTags();
    }

    private static JoinRequest Read(Request request)
    {
        var (reader, version) = (request.Reader, request.Version);
        var sessionTimeoutMs = reader.ReadInt32();
        var rebalanceTimeoutMs = version >= 1 ? reader.ReadInt32() : sessionTimeoutMs;
        var memberId = reader.ReadString();
        var instanceId = version >= 5 ? reader.ReadNullableString() : null;
        var protocolType = reader.ReadString();
        var protocols = new List<MemberProtocol>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            protocols.Add(new MemberProtocol(reader.ReadString(), reader.ReadBytes()));
            reader.SkipTags();
        }
        return new JoinRequest(
            memberId,
            instanceId,
            request.ClientId,
            request.ClientHost,
            protocolType,
            protocols,
            sessionTimeoutMs,
            rebalanceTimeoutMs,
            RequiresKnownMember: version >= 4
        )
        {
            MaySkipAssignment = version >= 9,
        };
    }

    private static void WriteMembers(ResponseWriter writer, short version, IReadOnlyList<JoinedMember> members)
    {
        writer.WriteArrayLength(members.Count);
        foreach (var member in members)
        {
            writer.WriteString(member.MemberId);
            if (version >= 5)
            {
                writer.WriteString(member.InstanceId);
            }
            writer.WriteBytes(member.Metadata);
            writer.WriteTags();
        }
    }
}
