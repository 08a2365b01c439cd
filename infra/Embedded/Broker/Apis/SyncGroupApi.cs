using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>SyncGroup: the leader hands in the assignment, every member gets its part.</summary>
internal static class SyncGroupApi
{
    public static async ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var groupId = reader.ReadString();
        var generation = reader.ReadInt32();
        var memberId = reader.ReadString();
        var instanceId = reader.ReadNullableString(since: 3);
        reader.ReadNullableString(since: 5);
        reader.ReadNullableString(since: 5);
        var assignments = new Dictionary<string, byte[]>();
        foreach (var (member, assignment) in reader.ReadArray(r => (r.ReadString(), r.ReadBytes())))
        {
            assignments[member] = assignment;
        }
        var result = node.Groups.Find(groupId) is { } group
            ? await group.Sync(memberId, instanceId, generation, assignments).WaitAsync(request.Cancellation)
            : new SyncResult(ErrorCode.UnknownMemberId, []);
        writer.WriteError(result.Error);
        writer.WriteString(result.ProtocolType, since: 5);
        writer.WriteString(result.ProtocolName, since: 5);
        writer.WriteBytes(result.Assignment);
    }
}
