using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// WriteTxnMarkers: ends transactions in single partitions, past the coordinator. The broker itself has no need of it;
/// it is how an administrator releases a partition from a transaction that hangs.
/// </summary>
internal static class WriteTxnMarkersApi
{
    private readonly record struct Marker(long ProducerId, short Epoch, bool Commit);

    public static ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        var markers = reader.ReadArrayLength();
        writer.WriteArrayLength(markers);
        for (var i = 0; i < markers; i++)
        {
            Write(node, request, new Marker(reader.ReadInt64(), reader.ReadInt16(), reader.ReadBoolean()));
            reader.ReadInt32();
            if (request.Version >= 2)
            {
                reader.ReadByte();
            }
            reader.SkipTags();
            writer.WriteTags();
        }
        writer.WriteTags();
        return ValueTask.CompletedTask;
    }

    private static void Write(BrokerNode node, Request request, Marker marker)
    {
        var (reader, writer) = (request.Reader, request.Writer);
        writer.WriteInt64(marker.ProducerId);
        var topics = reader.ReadArrayLength();
        writer.WriteArrayLength(topics);
        for (var i = 0; i < topics; i++)
        {
            var name = reader.ReadString();
            writer.WriteString(name);
            var partitions = reader.ReadInt32Array();
            writer.WriteArrayLength(partitions.Length);
            foreach (var partition in partitions)
            {
                writer.WriteInt32(partition);
                writer.WriteError(Append(node, node.Topics.Partition(name, partition), marker));
                writer.WriteTags();
            }
            reader.SkipTags();
            writer.WriteTags();
        }
    }

    private static ErrorCode Append(BrokerNode node, PartitionLog? log, Marker marker)
    {
        if (log is null)
        {
            return ErrorCode.UnknownTopicOrPartition;
        }
        var error = log.CheckMarker(marker.ProducerId, marker.Epoch);
        if (error != ErrorCode.None)
        {
            return error;
        }
        try
        {
            log.AppendMarker(marker.ProducerId, marker.Epoch, marker.Commit);
            return ErrorCode.None;
        }
        catch (IOException e)
        {
            BrokerLog.UpkeepFailed(node.Logger, e, "a transaction's marker");
            return ErrorCode.KafkaStorageError;
        }
    }
}
