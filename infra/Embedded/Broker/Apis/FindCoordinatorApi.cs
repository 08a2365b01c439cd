using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>FindCoordinator: it is this broker, for every group and every transaction.</summary>
internal static class FindCoordinatorApi
{
    private const short ManySince = 4;

    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        if (request.Version < ManySince)
        {
            writer.WriteError(ErrorCode.None);
            writer.WriteString(null, since: 1);
            node.WriteAddress(writer);
            return;
        }
        reader.ReadByte();
        writer.WriteArray(
            reader.ReadStringArray(),
            key =>
            {
                writer.WriteString(key);
                node.WriteAddress(writer);
                writer.WriteError(ErrorCode.None);
                writer.WriteString(null);
            }
        );
    }
}
