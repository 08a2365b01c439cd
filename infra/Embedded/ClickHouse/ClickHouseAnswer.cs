using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// The answer of a statement that runs: its headers wait for the first rows, so that an early failure has its status.
/// </summary>
internal sealed class ClickHouseAnswer(EmbeddedEngine engine, ClickHouseRequest request, StatementRun run)
{
    /// <summary>An answer waits this long for its statement.</summary>
    private static readonly TimeSpan HeldMax = TimeSpan.FromMilliseconds(100);

    /// <summary>The same for an answer with progress in it.</summary>
    private static readonly TimeSpan HeldProgressMax = TimeSpan.FromMilliseconds(5);

    private const long HeldBytesMax = 1 << 20;

    /// <summary>Names the error that follows rows.</summary>
    private readonly string tag = Guid.NewGuid().ToString("N")[..16];

    private bool HasProgress => ResultHeader.HasProgress(run.ResultFormat);

    /// <summary>Sends the answer. Throws the statement's exception when it failed before its first rows.</summary>
    public async Task SendAsync(HttpContext context, CancellationToken gone)
    {
        var held = await HoldAsync(gone);
        WriteHeaders(context.Response);
        await using var body = ContentCodings.Encoded(context);
        try
        {
            foreach (var chunk in held)
                await body.WriteAsync(chunk, gone);
            if (held.Count > 0)
                await body.FlushAsync(gone);
            await foreach (var chunk in run.Chunks.ReadAllAsync(gone))
            {
                await body.WriteAsync(chunk, gone);
                await body.FlushAsync(gone);
            }
        }
        catch (ClickHouseException e)
        {
            await body.WriteAsync(Trailer(e.Worded(engine.Version)), gone);
            await body.FlushAsync(gone);
            // A server leaves the last chunk out. Without that, a reader of binary rows could take the trailer for
            // rows that end where the result ends. Lines with progress are read to their end.
            if (!HasProgress)
                context.Abort();
        }
    }

    /// <summary>
    /// The first chunks: all of a short result. Throws the statement's exception when it failed until then.
    /// </summary>
    private async Task<List<byte[]>> HoldAsync(CancellationToken gone)
    {
        var held = new List<byte[]>();
        var most = request.WaitEnd ? engine.Options.BufferedResultBytesMax : HeldBytesMax;
        long bytes = 0;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(gone);
        try
        {
            while (await run.Chunks.WaitToReadAsync(limit.Token))
            {
                // A client that asks for progress wants the first report at once.
                var wait = HasProgress ? HeldProgressMax : HeldMax;
                if (held.Count == 0 && !request.WaitEnd)
                    limit.CancelAfter(wait);
                while (bytes < most && run.Chunks.TryRead(out var chunk))
                {
                    held.Add(chunk);
                    bytes += chunk.Length;
                }

                if (bytes >= most)
                    break;
            }
        }
        catch (OperationCanceledException) when (!gone.IsCancellationRequested)
        {
            // The statement goes on; its first rows must not wait for the others.
        }
        catch (ClickHouseException) when (held.Count > 0 && !request.WaitEnd && HasProgress)
        {
            // A server has sent the first lines of such an answer by now; the error follows them.
        }

        return run.Chunks.Completion.IsCompleted && HasProgress
            ? [ResultHeader.ProgressFirst([.. held.SelectMany(chunk => chunk)])]
            : held;
    }

    /// <summary>How a server says, since 25.11, that a query failed after its first rows were sent.</summary>
    private byte[] Trailer(string message)
    {
        var text = Encoding.UTF8.GetByteCount(message) + 1;
        return Encoding.UTF8.GetBytes($"\r\n__exception__\r\n{tag}\r\n{message}\n{text} {tag}\r\n__exception__\r\n");
    }

    private void WriteHeaders(HttpResponse response)
    {
        response.ContentType = engine.ContentTypes.GetValueOrDefault(run.ResultFormat, "text/plain; charset=UTF-8");
        response.Headers["X-ClickHouse-Server-Display-Name"] = "eventstream";
        response.Headers["X-ClickHouse-Query-Id"] = request.QueryId;
        response.Headers["X-ClickHouse-Format"] = run.ResultFormat;
        response.Headers["X-ClickHouse-Timezone"] = "UTC";
        response.Headers["X-ClickHouse-Exception-Tag"] = tag;
        response.Headers["X-ClickHouse-Summary"] = Json(run.Summary);
    }

    private static string Json(QuerySummary cost) =>
        JsonSerializer.Serialize(
            new Dictionary<string, string>
            {
                ["read_rows"] = $"{cost.RowsRead}",
                ["read_bytes"] = $"{cost.BytesRead}",
                ["written_rows"] = $"{cost.RowsWritten}",
                ["written_bytes"] = $"{cost.BytesWritten}",
                ["total_rows_to_read"] = $"{cost.RowsRead}",
                ["result_rows"] = $"{cost.ResultRows}",
                ["result_bytes"] = $"{cost.ResultBytes}",
                ["elapsed_ns"] = (cost.ElapsedSeconds * 1e9).ToString("F0", CultureInfo.InvariantCulture),
            }
        );
}
