using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>JoinGroup: becomes a member of a group; the answer comes when the rebalance is over.</summary>
internal static class JoinGroupApi
{
    public static async ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var groupId = request.Reader.ReadString();
        var join = Read(request);
        var result =
            groupId.Length == 0
                ? new JoinResult(ErrorCode.InvalidGroupId, join.MemberId)
                : await node.Groups.JoinAsync(groupId, join).WaitAsync(request.Cancellation);
        var writer = request.Writer;
        writer.WriteError(result.Error);
        writer.WriteInt32(result.Generation);
        writer.WriteString(result.ProtocolType, since: 7);
        writer.WriteString(request.Version >= 7 ? result.ProtocolName : result.ProtocolName ?? "");
        writer.WriteString(result.Leader);
        writer.WriteBoolean(result.SkipsAssignment, since: 9);
        writer.WriteString(result.MemberId);
        writer.WriteArray(
            result.Members,
            member =>
            {
                writer.WriteString(member.MemberId);
                writer.WriteString(member.InstanceId, since: 5);
                writer.WriteBytes(member.Metadata);
            }
        );
    }

    private static JoinRequest Read(Request request)
    {
        var reader = request.Reader;
        var sessionTimeoutMs = reader.ReadInt32();
        return new JoinRequest(
            SessionTimeoutMs: sessionTimeoutMs,
            RebalanceTimeoutMs: reader.ReadInt32(since: 1, absent: sessionTimeoutMs),
            MemberId: reader.ReadString(),
            InstanceId: reader.ReadNullableString(since: 5),
            ProtocolType: reader.ReadString(),
            Protocols: reader.ReadArray(r => new MemberProtocol(r.ReadString(), r.ReadBytes())),
            ClientId: request.ClientId,
            ClientHost: request.ClientHost,
            RequiresKnownMember: request.Version >= 4
        )
        {
            MaySkipAssignment = request.Version >= 9,
        };
    }
}
