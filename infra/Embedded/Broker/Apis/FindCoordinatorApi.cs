using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>FindCoordinator: it is this broker, for every group and every transaction.</summary>
internal static class FindCoordinatorApi
{
    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer, version) = (request.Reader, request.Writer, request.Version);
        if (version < 4)
        {
            reader.ReadString();
        }
        if (version >= 1)
        {
            reader.ReadByte();
            writer.WriteInt32(0);
        }
        if (version < 4)
        {
            writer.WriteError(ErrorCode.None);
            if (version >= 1)
            {
                writer.WriteString(null);
            }
            WriteNode(node, writer);
        }
        else
        {
            WriteCoordinators(node, writer, reader.ReadStringArray());
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static void WriteCoordinators(BrokerNode node, ResponseWriter writer, string[] keys)
    {
        writer.WriteArrayLength(keys.Length);
        foreach (var key in keys)
        {
            writer.WriteString(key);
            WriteNode(node, writer);
            writer.WriteError(ErrorCode.None);
            writer.WriteString(null);
            writer.WriteTags();
        }
    }

    private static void WriteNode(BrokerNode node, ResponseWriter writer)
    {
        writer.WriteInt32(BrokerNode.NodeId);
        writer.WriteString(node.Host);
        writer.WriteInt32(node.Port);
    }
}
