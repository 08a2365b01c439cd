using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>LeaveGroup: members leave at once instead of letting their sessions run out.</summary>
internal static class LeaveGroupApi
{
    private const short ManySince = 3;

    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var group = node.Groups.Find(reader.ReadString());
        ErrorCode Leave(string memberId, string? instanceId) =>
            group?.Leave(memberId, instanceId) ?? ErrorCode.UnknownMemberId;
        if (request.Version < ManySince)
        {
            writer.WriteError(Leave(reader.ReadString(), null));
            return;
        }
        writer.WriteError(ErrorCode.None);
        request.AnswerEach(() =>
        {
            var memberId = reader.ReadString();
            var instanceId = reader.ReadNullableString();
            reader.ReadNullableString(since: 5);
            writer.WriteString(memberId);
            writer.WriteString(instanceId);
            writer.WriteError(Leave(memberId, instanceId));
        });
    }
}
