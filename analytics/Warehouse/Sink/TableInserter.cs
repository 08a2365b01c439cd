using ClickHouse.Driver;
using ClickHouse.Driver.Copy;
using EventStream.Warehouse.Sink.Rows;
using Microsoft.Extensions.Logging;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// Inserts the rows of a table under a token. A row that the driver cannot write becomes a dead letter, and the others
/// are inserted. When ClickHouse refuses the rows for what they contain, they are halved until the bad ones are found;
/// the halves carry tokens derived from the whole's. Both are the same at each repetition, so that it can all be done
/// again after a crash.
/// </summary>
public sealed partial class TableInserter(IClickHouseClient client, ILogger logger)
{
    /// <summary>Codes that say that rows cannot be read: asking again would fail each time.</summary>
    private static readonly HashSet<int> Unreadable =
    [
        6,
        26,
        27,
        33,
        38,
        41,
        53,
        69,
        70,
        72,
        117,
        321,
        349,
        376,
        441,
        467,
        636,
    ];

    /// <summary>
    /// Inserts; throws <see cref="ClickHouseServerException"/>, <see cref="HttpRequestException"/> and, after the
    /// client's timeout, <see cref="OperationCanceledException"/> for what may pass.
    /// </summary>
    public async Task InsertAsync(TableBatch table, string token, SinkBatch deadLetters, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                // Partitions interleave differently at every reading; halves must be the same rows each time, so they
                // are ordered.
                if (await TryAsync(table, token, cancellation) is { } refusal)
                    await HalveAsync(table.InRecordOrder(), token, refusal, deadLetters, cancellation);
                return;
            }
            catch (ClickHouseBulkCopySerializationException e) when (table.Table != Tables.DeadLetters)
            {
                SetAside(table.Rows[e.RowIndex].Record, 0, e.InnerException?.Message ?? e.Message, deadLetters);
                table = table.Without(e.RowIndex);
            }
        }
    }

    private async Task HalveAsync(
        TableBatch table,
        string token,
        ClickHouseServerException refusal,
        SinkBatch deadLetters,
        CancellationToken cancellation
    )
    {
        if (table.Rows is [var row])
        {
            SetAside(row.Record, refusal.ErrorCode, refusal.Message, deadLetters);
            return;
        }

        var half = table.Rows.Count / 2;
        foreach (
            var (part, name) in ((TableBatch, string)[])
                [(table.Part(0, half), token + "<"), (table.Part(half, table.Rows.Count - half), token + ">")]
        )
        {
            if (await TryAsync(part, name, cancellation) is { } again)
                await HalveAsync(part, name, again, deadLetters, cancellation);
        }
    }

    /// <summary>Inserts rows, or returns why ClickHouse will never take them.</summary>
    private async Task<ClickHouseServerException?> TryAsync(
        TableBatch batch,
        string token,
        CancellationToken cancellation
    )
    {
        var (table, rows) = batch;
        try
        {
            var values = rows.Select(row => row.Values).ToList();
            await client.InsertOnceAsync(table.Name, table.Columns, values, token, cancellation);
            return null;
        }
        catch (ClickHouseServerException e) when (Unreadable.Contains(e.ErrorCode) && table != Tables.DeadLetters)
        {
            return e;
        }
    }

    private void SetAside(SinkRecord record, int code, string reason, SinkBatch deadLetters)
    {
        Refused(logger, code, record.Topic, record.Partition, record.Offset, reason);
        var (table, row) = RecordRouter.DeadLetter(record, reason);
        deadLetters.Add(table, row);
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "A row cannot be stored ({Code}); {Topic} {Partition} @{Offset} goes to the dead letters: {Text}"
    )]
    private static partial void Refused(
        ILogger logger,
        int code,
        string topic,
        int partition,
        long offset,
        string text
    );
}
