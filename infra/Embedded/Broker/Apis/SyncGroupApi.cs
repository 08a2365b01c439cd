using EventStream.Embedded.Broker.Groups;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>SyncGroup: the leader hands in the assignment, every member gets its part.</summary>
internal static class SyncGroupApi
{
    public static async ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        var groupId = reader.ReadString();
        var generation = reader.ReadInt32();
        var memberId = reader.ReadString();
        var instanceId = version >= 3 ? reader.ReadNullableString() : null;
        if (version >= 5)
        {
            reader.ReadNullableString();
            reader.ReadNullableString();
        }
        var assignments = new Dictionary<string, byte[]>();
        for (var count = reader.ReadArrayLength(); count > 0; count--)
        {
            assignments[reader.ReadString()] = reader.ReadBytes();
            reader.SkipTags();
        }
        var result = node.Groups.Find(groupId) is { } group
            ? await node.Purgatory.WaitAsync(
                WaitingFor.Assignment,
                group.Sync(memberId, instanceId, generation, assignments),
                () => new SyncResult(ErrorCode.CoordinatorNotAvailable, []),
                request.Cancellation
            )
            : new SyncResult(ErrorCode.UnknownMemberId, []);
        if (version >= 1)
        {
            writer.WriteInt32(0);
        }
        writer.WriteError(result.Error);
        if (version >= 5)
        {
            writer.WriteString(result.ProtocolType);
            writer.WriteString(result.ProtocolName);
        }
        writer.WriteBytes(result.Assignment);
        writer.WriteTags();
    }
}
