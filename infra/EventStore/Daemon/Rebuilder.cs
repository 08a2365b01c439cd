using EventStream.EventStore.Projections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStream.EventStore.Daemon;

/// <summary>How far a rebuild is: positions up to which every shard has come, and the mark it runs after.</summary>
public sealed record RebuildProgress(string Projection, int Generation, long Position, long Target);

/// <summary>
/// Builds a projection anew beside the one that readers ask, then puts it in its place in one transaction.
/// </summary>
/// <remarks>
/// The switch must not take readers back in time, nor lose an event. So the builder follows until it is close; then it
/// takes the projection's switch lock, which every writer of the live tables shares for the length of its transaction
/// (shards of the daemon, and appends where the projection is inline): nobody writes them now. What was seen until then
/// is a position; the builder applies events up to it, drops, renames and notes the new state, all in the transaction
/// that holds the lock: between those events may be places that an append which waits for the lock will fill, so an
/// attempt that fails must leave nothing of itself. A writer that waited finds its checkpoint gone (a shard) or the
/// new tables (an append). A crash
/// anywhere before the commit leaves the live tables as they were, and the next attempt goes on from the builder's
/// checkpoints.
/// </remarks>
internal sealed partial class Rebuilder(
    Projection projection, ProjectionLifecycle lifecycle, DaemonServices services, ILogger log)
{
    /// <summary>Attempts to get the locks of a switch; between them the readers and writers in the way go
    /// first.</summary>
    private const int SwitchAttemptsMax = 20;

    private readonly ProjectionRegistry registry = new(services.Source, services.Options);

    /// <summary>Builds and switches. Throws <see cref="ProjectionStoppedException"/> where an event stopped
    /// it.</summary>
    public async Task RunAsync(IProgress<RebuildProgress>? progress, CancellationToken cancellation)
    {
        var built = await registry.BuildingAsync(projection, lifecycle, cancellation);
        var workers = await OpenAsync(built, cancellation);
        Started(log, projection.Name, built.Generation, workers.Min(worker => worker.Reached));
        while (true)
        {
            var mark = await services.HighWater.AdvanceAsync(cancellation);
            var position = workers.Min(worker => worker.Reached);
            progress?.Report(new(projection.Name, built.Generation, position, mark));
            if (mark - position <= projection.BatchMax) break;
            // In steps, so that the progress can be told.
            await CatchUpAsync(workers, Math.Min(mark, position + (50L * projection.BatchMax)), cancellation);
        }

        await SwitchAsync(built, workers, cancellation);
        progress?.Report(new(projection.Name, built.Generation, services.HighWater.Current,
            services.HighWater.Current));
        Switched(log, projection.Name, built.Generation);
    }

    private async Task<List<ShardWorker>> OpenAsync(ProjectionGeneration built, CancellationToken cancellation)
    {
        var workers = new List<ShardWorker>();
        var pages = new EventPages(services.Store, services.Source);
        foreach (var shard in built.ShardNames)
        {
            var target = new ProjectionShard(
                projection, shard, projection.TableOf(built.Generation), services.Source, hold: null);
            var checkpoint = await Checkpoint.TakeAsync(services.Source, shard.ToString(), cancellation);
            workers.Add(new ShardWorker(target, checkpoint, pages, services.Source, services.Time));
        }

        return workers;
    }

    private async Task CatchUpAsync(List<ShardWorker> workers, long upTo, CancellationToken cancellation)
    {
        var finished = await Task.WhenAll(workers.Select(worker => worker.CatchUpAsync(upTo, cancellation)));
        if (finished.Contains(false))
            throw new ProjectionStoppedException(
                projection.Name, workers.Select(worker => worker.Trouble).FirstOrDefault(why => why is not null) ?? "");
    }

    private async Task SwitchAsync(
        ProjectionGeneration built, List<ShardWorker> workers, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            await CatchUpAsync(workers, await services.HighWater.AdvanceAsync(cancellation), cancellation);
            try
            {
                await SwitchOnceAsync(built, workers, cancellation);
                return;
            }
            catch (Exception e) when (e is PostgresException or BadEventException && attempt < SwitchAttemptsMax)
            {
                // Locks that others hold, or an event that the policy is to be asked about, once it is below the mark.
                SwitchWaits(log, projection.Name, attempt, e.Message);
            }
        }
    }

    private async Task SwitchOnceAsync(
        ProjectionGeneration built, List<ShardWorker> workers, CancellationToken cancellation)
    {
        await using var connection = await services.Source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using (var patience = new NpgsqlCommand("set local lock_timeout = '5s'", connection))
            await patience.ExecuteNonQueryAsync(cancellation);
        await registry.LockOf(projection.Name).TakeAsync(connection, cancellation);
        var live = (await registry.ReadAsync(cancellation)).Find(g => g.Name == projection.Name && g.Live);
        try
        {
            var seen = live is null ? 0 : await registry.SeenAsync(live, cancellation);
            foreach (var worker in workers) await worker.CatchUpWithinAsync(connection, seen, cancellation);
            await registry.SwitchAsync(connection, projection, built, cancellation);
            await transaction.CommitAsync(cancellation);
        }
        catch
        {
            foreach (var worker in workers) await worker.ForgetAsync();
            throw;
        }
    }

    [LoggerMessage(1, LogLevel.Information,
        "{Projection} is built anew as generation {Generation}, from position {From}.")]
    private static partial void Started(ILogger logger, string projection, int generation, long from);

    [LoggerMessage(2, LogLevel.Information, "{Projection}: generation {Generation} is live.")]
    private static partial void Switched(ILogger logger, string projection, int generation);

    [LoggerMessage(3, LogLevel.Information, "{Projection}: the switch waits (attempt {Attempt}): {Cause}")]
    private static partial void SwitchWaits(ILogger logger, string projection, int attempt, string cause);
}

/// <summary>A projection stands before an event that it cannot apply; the message names the event.</summary>
public sealed class ProjectionStoppedException(string projection, string why)
    : Exception($"'{projection}' stopped: {why} Correct the projection, or resume it after correcting the data.")
{
    public string Projection { get; } = projection;
}
