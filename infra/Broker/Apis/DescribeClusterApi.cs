using EventStream.Broker.Protocol;
using EventStream.Broker.Server;

namespace EventStream.Broker.Apis;

/// <summary>DescribeCluster: one broker, which is also the controller.</summary>
internal static class DescribeClusterApi
{
    private const byte Brokers = 1;

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var writer = request.Writer;
        writer.WriteInt32(0);
        writer.WriteError(ErrorCode.None);
        writer.WriteString(null);
        if (request.Version >= 1)
        {
            writer.WriteByte(Brokers);
        }
        writer.WriteString(node.ClusterId);
        writer.WriteInt32(BrokerNode.NodeId);
        writer.WriteArrayLength(1);
        writer.WriteInt32(BrokerNode.NodeId);
        writer.WriteString(node.Host);
        writer.WriteInt32(node.Port);
        writer.WriteString(null);
        writer.WriteTags();
        writer.WriteInt32(int.MinValue);
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }
}
