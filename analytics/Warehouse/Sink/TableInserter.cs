using Microsoft.Extensions.Logging;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// Inserts the rows of a table under a token. When ClickHouse refuses the rows for what they contain, they are halved
/// until the bad ones are found, which become dead letters; the halves carry tokens derived from the whole's, so that
/// it can all be done again after a crash.
/// </summary>
public sealed partial class TableInserter(ClickHouseClient client, ILogger logger)
{
    /// <summary>Codes that say that rows cannot be read: asking again would fail for ever.</summary>
    private static readonly HashSet<int> Unreadable =
        [6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 321, 349, 376, 441, 467, 636];

    /// <summary>
    /// Inserts; throws <see cref="ClickHouseException"/> and <see cref="HttpRequestException"/> for what may pass.
    /// </summary>
    public async Task InsertAsync(TableBatch table, string token, SinkBatch deadLetters, CancellationToken cancellation)
    {
        if (await TryAsync(table, .., token, cancellation) is not { } refusal) return;
        // Partitions interleave anew at every reading; halves must be the same rows each time, so they are ordered.
        await HalveAsync(table.InRecordOrder(), 0, table.Rows, token, refusal, deadLetters, cancellation);
    }

    private async Task HalveAsync(
        TableBatch table, int offset, int length, string token, ClickHouseException refusal, SinkBatch deadLetters,
        CancellationToken cancellation)
    {
        if (length == 1)
        {
            var record = table.RecordOf(offset);
            Refused(logger, refusal.Code, record.Topic, record.Partition, record.Offset, refusal.Message);
            RecordRouter.AddDeadLetter(record, deadLetters, refusal.Message);
            return;
        }

        var half = length / 2;
        foreach (var (start, count, name) in ((int, int, string)[])
            [(offset, half, token + "<"), (offset + half, length - half, token + ">")])
        {
            if (await TryAsync(table, start..(start + count), name, cancellation) is { } again)
                await HalveAsync(table, start, count, name, again, deadLetters, cancellation);
        }
    }

    /// <summary>Inserts rows, or returns why ClickHouse will never take them.</summary>
    private async Task<ClickHouseException?> TryAsync(
        TableBatch table, Range rows, string token, CancellationToken cancellation)
    {
        try
        {
            await client.InsertAsync(table.Table, table.Lines(rows), token, cancellation);
            return null;
        }
        catch (ClickHouseException e) when (Unreadable.Contains(e.Code) && table.Table != TableRows.DeadLetters)
        {
            return e;
        }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "ClickHouse refuses a row ({Code}); {Topic} {Partition} @{Offset} goes to the dead letters: {Text}")]
    private static partial void Refused(
        ILogger logger, int code, string topic, int partition, long offset, string text);
}
