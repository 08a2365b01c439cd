using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>Heartbeat: keeps a member's session alive and informs it of a rebalance.</summary>
internal static class HeartbeatApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var group = node.Groups.Find(reader.ReadString());
        var generation = reader.ReadInt32();
        var memberId = reader.ReadString();
        var instanceId = version >= 3 ? reader.ReadNullableString() : null;
        if (version >= 1)
        {
            writer.WriteInt32(0);
        }
        writer.WriteError(group?.Heartbeat(memberId, instanceId, generation) ?? ErrorCode.UnknownMemberId);
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }
}
