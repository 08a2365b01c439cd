using EventStream.Embedded.Broker.Log;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>Writes one partition of a fetch response: its offsets, the aborted transactions and the records.</summary>
internal static class FetchPartitionWriter
{
    public static ReadResult Write(
        ResponseWriter writer,
        FetchRequest fetch,
        in FetchPartition partition,
        int bytesLeft,
        bool isFirst
    )
    {
        if (partition.Log is not { } log || partition.Error != ErrorCode.None)
        {
            WriteOffsets(writer, partition.Index, partition.Error, -1, -1, -1);
            WriteNothing(writer);
            writer.WriteTags();
            return new ReadResult(partition.Error, 0, -1);
        }
        var lastStable = log.LastStable;
        var highWatermark = log.LogEnd;
        var end = fetch.CommittedOnly ? lastStable : highWatermark;
        var at = writer.Length;
        WriteOffsets(writer, partition.Index, ErrorCode.None, highWatermark, lastStable, log.LogStart);
        var aborted = fetch.CommittedOnly ? new List<AbortedTransaction>() : null;
        var bytesMax = Math.Min(partition.BytesMax, bytesLeft);
        ReadResult read;
        if (bytesLeft <= 0)
        {
            read = new ReadResult(ErrorCode.None, 0, partition.Offset);
            WriteNothing(writer);
        }
        else if (aborted is null)
        {
            WriteAborted(writer, aborted);
            read = WriteRecords(writer, log, partition.Offset, end, bytesMax, isFirst);
        }
        else
        {
            read = WriteCommitted(writer, log, partition.Offset, end, bytesMax, isFirst, aborted);
        }
        if (read.Error != ErrorCode.None)
        {
            writer.Truncate(at);
            WriteOffsets(writer, partition.Index, read.Error, highWatermark, lastStable, log.LogStart);
            WriteNothing(writer);
        }
        writer.WriteTags();
        return read;
    }

    /// <summary>
    /// The aborted transactions precede the records, so that they are looked up for all that could be read.
    /// </summary>
    private static ReadResult WriteCommitted(
        ResponseWriter writer,
        PartitionLog log,
        long offset,
        long end,
        int bytesMax,
        bool isFirst,
        List<AbortedTransaction> aborted
    )
    {
        var start = writer.Length;
        log.CollectAborted(offset, end, aborted);
        WriteAborted(writer, aborted);
        var read = WriteRecords(writer, log, offset, end, bytesMax, isFirst);
        if (read.Error != ErrorCode.None || !aborted.Exists(a => a.FirstOffset >= read.NextOffset))
        {
            return read;
        }
        // The records end before some of the transactions began: those belong to a later response.
        writer.Truncate(start);
        aborted.RemoveAll(a => a.FirstOffset >= read.NextOffset);
        WriteAborted(writer, aborted);
        return WriteRecords(writer, log, offset, read.NextOffset, bytesMax, isFirst);
    }

    private static ReadResult WriteRecords(
        ResponseWriter writer,
        PartitionLog log,
        long offset,
        long end,
        int bytesMax,
        bool isFirst
    )
    {
        var start = writer.OpenBytes();
        var read = log.Read(offset, end, bytesMax, isFirst, writer);
        writer.CloseBytes(start);
        return read;
    }

    private static void WriteOffsets(
        ResponseWriter writer,
        int index,
        ErrorCode error,
        long highWatermark,
        long lastStable,
        long logStart
    )
    {
        writer.WriteInt32(index);
        writer.WriteError(error);
        writer.WriteInt64(highWatermark);
        writer.WriteInt64(lastStable);
        writer.WriteInt64(logStart, since: 5);
    }

    private static void WriteNothing(ResponseWriter writer)
    {
        WriteAborted(writer, null);
        writer.WriteBytes([]);
    }

    private static void WriteAborted(ResponseWriter writer, List<AbortedTransaction>? aborted)
    {
        writer.WriteArrayLength(aborted?.Count ?? -1);
        foreach (var transaction in aborted ?? [])
        {
            writer.WriteInt64(transaction.ProducerId);
            writer.WriteInt64(transaction.FirstOffset);
            writer.WriteTags();
        }
        writer.WriteInt32(-1, since: 11);
    }
}
