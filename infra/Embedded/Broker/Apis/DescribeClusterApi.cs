using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>DescribeCluster: one broker, which is also the controller.</summary>
internal static class DescribeClusterApi
{
    private const byte Brokers = 1;

    public static void Handle(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        reader.ReadBoolean();
        var endpoints = reader.ReadByte(since: 1, absent: Brokers);
        reader.ReadBoolean(since: 2);
        var error = endpoints == Brokers ? ErrorCode.None : ErrorCode.UnsupportedEndpointType;
        writer.WriteError(error);
        writer.WriteSentence(error);
        writer.WriteByte(endpoints, since: 1);
        writer.WriteString(node.ClusterId);
        writer.WriteInt32(BrokerNode.NodeId);
        writer.WriteArrayLength(1);
        node.WriteAddress(writer);
        writer.WriteString(null);
        writer.WriteBoolean(false, since: 2);
        writer.WriteTags();
        writer.WriteInt32(int.MinValue);
    }
}
