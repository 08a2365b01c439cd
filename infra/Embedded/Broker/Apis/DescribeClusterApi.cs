using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DescribeCluster: one broker, which is also the controller.</summary>
internal static class DescribeClusterApi
{
    private const byte Brokers = 1;

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        reader.ReadBoolean();
        var endpoints = request.Version >= 1 ? reader.ReadByte() : Brokers;
        if (request.Version >= 2)
        {
            reader.ReadBoolean();
        }
        var error = endpoints == Brokers ? ErrorCode.None : ErrorCode.UnsupportedEndpointType;
        writer.WriteInt32(0);
        writer.WriteError(error);
        writer.WriteString(error == ErrorCode.None ? null : Errors.Sentence(error));
        if (request.Version >= 1)
        {
            writer.WriteByte(endpoints);
        }
        writer.WriteString(node.ClusterId);
        writer.WriteInt32(BrokerNode.NodeId);
        writer.WriteArrayLength(1);
        writer.WriteInt32(BrokerNode.NodeId);
        writer.WriteString(node.Host);
        writer.WriteInt32(node.Port);
        writer.WriteString(null);
        if (request.Version >= 2)
        {
            writer.WriteBoolean(false);
        }
        writer.WriteTags();
        writer.WriteInt32(int.MinValue);
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }
}
