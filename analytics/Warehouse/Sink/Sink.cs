using ClickHouse.Driver;
using Confluent.Kafka;
using EventStream.Messaging.Kafka;
using EventStream.Warehouse.Schema;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// The loop from topics to tables. One flush at a time: plan, insert, acknowledge; meanwhile Kafka waits, which is the
/// back-pressure. Recovery is the only retry: whatever fails, the sink starts again from its ledger, as after a crash.
/// </summary>
public sealed partial class Sink(
    IClickHouseClient client,
    ServerUsers users,
    KafkaOptions kafka,
    TopicAdmin topics,
    SinkOptions options,
    SinkState state,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<Sink> logger
) : BackgroundService
{
    private static readonly TimeSpan PollMax = TimeSpan.FromMilliseconds(100);

    private readonly string writer = $"{Environment.MachineName}/{Environment.ProcessId}/{Guid.NewGuid():N}";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RunOnceAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (SinkFencedException e)
            {
                // Two that take turns would only hide the mistake; the one that was overtaken leaves.
                Fenced(logger, e.Message);
                state.Missing = e.Message;
                lifetime.StopApplication();
                return;
            }
            catch (Exception e) when (IsPassing(e))
            {
                if (state.Missing != e.Message)
                    StartsAgain(logger, e.Message);
                state.Missing = e.Message;
                await Task.Delay(TimeSpan.FromMilliseconds(options.RestartDelayMilliseconds), clock, stoppingToken);
            }
        }
    }

    /// <summary>What another start may get over. A request that takes too long is cancelled by its client.</summary>
    private static bool IsPassing(Exception e) =>
        e
            is ClickHouseServerException
                or HttpRequestException
                or IOException
                or OperationCanceledException
                or KafkaException
                or LogReplacedException;

    /// <summary>Starts from the ledger and runs until it is stopped or something fails.</summary>
    private async Task RunOnceAsync(CancellationToken stopping)
    {
        await client.ReachAsync(stopping);
        await SchemaMigrator.ApplyAsync(client, stopping);
        await users.ApplyAsync(client, stopping);
        await topics.EnsureAsync(RecordRouter.StoredTopics, stopping);
        var ledger = new SinkLedger(client, writer, clock);
        var position = await ledger.TakeOverAsync(stopping);
        using var reader = new SinkReader(kafka, logger);
        if (position.InDoubt.Count > 0)
            await RepeatAsync(reader, position, stopping);
        var partitions = reader.Partitions(RecordRouter.StoredTopics);
        foreach (var (partition, next) in reader.Begin(partitions, position.Next))
            state.At(partition, next, next);
        state.Missing = null;
        Running(logger, partitions.Count, position.Sequence);
        await FlushForeverAsync(reader, ledger, position.Sequence, stopping);
    }

    /// <summary>Inserts again what may have been inserted, under the tokens of then.</summary>
    private async Task RepeatAsync(SinkReader reader, SinkPosition position, CancellationToken stopping)
    {
        var batch = new SinkBatch(options);
        foreach (var range in position.InDoubt)
            batch.Cover(range);
        foreach (var record in reader.Read(position.InDoubt, stopping))
            batch.Take(record, clock.GetTimestamp());
        await InsertAsync(batch, position.Planned, stopping);
        Repeated(logger, position.Planned, batch.Records);
    }

    private async Task FlushForeverAsync(
        SinkReader reader,
        SinkLedger ledger,
        ulong sequence,
        CancellationToken stopping
    )
    {
        while (true)
        {
            var batch = Fill(reader, stopping);
            stopping.ThrowIfCancellationRequested();
            var started = clock.GetTimestamp();
            await ledger.PlanAsync(batch.Ranges, ++sequence, stopping);
            var letters = await InsertAsync(batch, sequence, stopping);
            state.Flushed(sequence, batch, letters, clock.GetElapsedTime(started));
            foreach (var range in batch.Ranges)
                state.At(range.Partition, range.Last + 1, reader.EndOf(range.Partition));
        }
    }

    /// <summary>Reads until a batch is due. Nothing is planned of it yet, so a stop may drop it.</summary>
    private SinkBatch Fill(SinkReader reader, CancellationToken stopping)
    {
        var batch = new SinkBatch(options);
        while (!stopping.IsCancellationRequested && !batch.IsDue(clock))
        {
            if (reader.Next(PollMax) is { } result)
                batch.Take(SinkRecord.From(result), clock.GetTimestamp());
        }

        return batch;
    }

    private async Task<int> InsertAsync(SinkBatch batch, ulong sequence, CancellationToken stopping)
    {
        var inserter = new TableInserter(client, logger);
        var refused = new SinkBatch(options);
        foreach (var table in batch.Tables)
            await inserter.InsertAsync(table, batch.Token(table.Table.Name, sequence), refused, stopping);
        foreach (var table in refused.Tables)
            await inserter.InsertAsync(table, batch.Token("refused/" + table.Table.Name, sequence), refused, stopping);
        return refused.Rows;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Storing {Partitions} partitions, after flush {Sequence}")]
    private static partial void Running(ILogger logger, int partitions, ulong sequence);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Flush {Sequence} was in doubt; its {Records} records were inserted again"
    )]
    private static partial void Repeated(ILogger logger, ulong sequence, int records);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The sink starts again: {Reason}")]
    private static partial void StartsAgain(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The sink stops: {Reason}")]
    private static partial void Fenced(ILogger logger, string reason);
}
