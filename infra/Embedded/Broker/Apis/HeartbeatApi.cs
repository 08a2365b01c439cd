using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>Heartbeat: keeps a member's session alive and informs it of a rebalance.</summary>
internal static class HeartbeatApi
{
    public static void Handle(BrokerNode node, Request request)
    {
        var reader = request.Reader;
        var group = node.Groups.Find(reader.ReadString());
        var generation = reader.ReadInt32();
        var memberId = reader.ReadString();
        var instanceId = reader.ReadNullableString(since: 3);
        request.Writer.WriteError(group?.Heartbeat(memberId, instanceId, generation) ?? ErrorCode.UnknownMemberId);
    }
}
