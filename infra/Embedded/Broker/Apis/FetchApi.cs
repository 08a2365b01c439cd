using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Server;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>
/// Fetch: whole record batches from many partitions, waiting up to the consumer's limit for as many bytes as it asks
/// for. Fetch sessions are declined by answering with session 0, after which every client sends full requests.
/// </summary>
internal static class FetchApi
{
    /// <summary>
    /// Even with the budget spent, a response gets room for this much, so that every consumer makes progress.
    /// </summary>
    private const int BytesAtLeast = 64 * 1024;

    public static async ValueTask HandleAsync(BrokerNode node, Request request)
    {
        var fetch = FetchRequest.Read(node, request);
        if (fetch.Error != ErrorCode.None)
        {
            WriteHead(request.Writer, fetch.Error);
            request.Writer.WriteArrayLength(0);
            return;
        }
        if (Fill(node, request, fetch) || fetch.WaitMax <= TimeSpan.Zero)
        {
            return;
        }
        using var waiter = new AppendWaiter(node.Options.Time, fetch.WaitMax, request.Cancellation);
        try
        {
            foreach (var partition in fetch.Partitions)
            {
                partition.Log?.AddListener(waiter);
            }
            // The first look after the listeners are in place finds what came in between.
            for (var more = true; more && !Fill(node, request, fetch); )
            {
                more = await waiter.WaitAsync();
            }
        }
        finally
        {
            foreach (var partition in fetch.Partitions)
            {
                partition.Log?.RemoveListener(waiter);
            }
        }
    }

    /// <summary>Writes the response as of now; true when it need not wait for more.</summary>
    private static bool Fill(BrokerNode node, Request request, FetchRequest fetch)
    {
        var writer = request.Writer;
        writer.Truncate(fetch.ResponseStart);
        node.Budget.Release(request.BudgetTaken);
        request.BudgetTaken = node.Budget.Take(fetch.BytesMax, Math.Min(BytesAtLeast, fetch.BytesMax));
        var (left, bytes, settled) = ((int)request.BudgetTaken, 0, false);
        WriteHead(writer, ErrorCode.None);
        writer.WriteArrayLength(fetch.Topics.Count);
        foreach (var topic in fetch.Topics)
        {
            topic.Topic.Write(writer);
            writer.WriteArrayLength(topic.Count);
            for (var i = topic.First; i < topic.First + topic.Count; i++)
            {
                var read = FetchPartitionWriter.Write(writer, fetch, fetch.Partitions[i], left, isFirst: bytes == 0);
                bytes += read.Bytes;
                left = Math.Max(left - read.Bytes, 0);
                settled |= read.Error != ErrorCode.None;
            }
            writer.WriteTags();
        }
        // A fetch that waits holds no more of the budget than what it has found.
        node.Budget.Release(request.BudgetTaken - bytes);
        request.BudgetTaken = bytes;
        return settled || bytes >= fetch.BytesMin || fetch.Partitions.Count == 0;
    }

    private static void WriteHead(ResponseWriter writer, ErrorCode error)
    {
        writer.WriteError(error, since: 7);
        writer.WriteInt32(0, since: 7);
    }
}
