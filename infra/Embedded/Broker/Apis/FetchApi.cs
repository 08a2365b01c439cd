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
            WriteHead(request, fetch.Error);
            request.Writer.WriteArrayLength(0);
            request.Writer.WriteTags();
            return;
        }
        if (
            Fill(node, request, fetch)
            || fetch.WaitMax <= TimeSpan.Zero
            || !node.Purgatory.TryEnter(WaitingFor.Records)
        )
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
            node.Purgatory.Leave(WaitingFor.Records);
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
        WriteHead(request, ErrorCode.None);
        writer.WriteArrayLength(fetch.Topics.Count);
        foreach (var topic in fetch.Topics)
        {
            WriteTopic(writer, request.Version, topic);
            for (var i = topic.First; i < topic.First + topic.Count; i++)
            {
                var read = FetchPartitionWriter.Write(
                    writer,
                    fetch,
                    fetch.Partitions[i],
                    request.Version,
                    left,
                    isFirst: bytes == 0
                );
                bytes += read.Bytes;
                left = Math.Max(left - read.Bytes, 0);
                settled |= read.Error != ErrorCode.None;
            }
            writer.WriteTags();
        }
        writer.WriteTags();
        // A fetch that waits holds no more of the budget than what it has found.
        node.Budget.Release(request.BudgetTaken - bytes);
        request.BudgetTaken = bytes;
        return settled || bytes >= fetch.BytesMin || fetch.Partitions.Count == 0;
    }

    private static void WriteHead(Request request, ErrorCode error)
    {
        request.Writer.WriteInt32(0);
        if (request.Version >= 7)
        {
            request.Writer.WriteError(error);
            request.Writer.WriteInt32(0);
        }
    }

    private static void WriteTopic(ResponseWriter writer, short version, in FetchTopic topic)
    {
        if (version >= 13)
        {
            writer.WriteUuid(topic.Id);
        }
        else
        {
            writer.WriteString(topic.Name);
        }
        writer.WriteArrayLength(topic.Count);
    }
}
