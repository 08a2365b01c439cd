using EventStream.EventStore.Projections;
using Microsoft.Extensions.Logging;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// Compares what this process could run with what the registry says and with who owns it, and starts and ends readers
/// accordingly.
/// </summary>
internal sealed partial class Assignments(
    DaemonPlan plan, IReadOnlyList<Subscription> subscriptions, ProjectionRegistry registry, DaemonServices services,
    MarkWatch mark, ILogger log)
{
    private readonly EventPages pages = new(services.Store, services.Source);

    /// <summary>Why something that this process should run cannot run, or null.</summary>
    public string? Trouble { get; private set; }

    /// <summary>One look. Throws when PostgreSQL does not answer.</summary>
    public async Task ReconcileAsync(
        OwnerSession session, Dictionary<string, RunningShard> running, Lock gate, CancellationToken life)
    {
        Trouble = null;
        var resting = await RestingAsync(life);
        var wanted = Wanted(await registry.ReadAsync(life), resting);
        List<RunningShard> ended;
        lock (gate) ended = [.. running.Values.Where(s => s.Task.IsCompleted || !wanted.ContainsKey(s.Name))];
        foreach (var shard in ended)
        {
            await shard.CancelAsync();
            await shard.Task;
            await session.UnlockAsync(shard.Name, life);
            lock (gate) running.Remove(shard.Name);
            shard.Dispose();
        }

        foreach (var (name, run) in wanted)
        {
            lock (gate) if (running.ContainsKey(name)) continue;
            if (!await session.TryLockAsync(name, life)) continue;
            // The lock may have become free because its owner was done: what is wanted now?
            if (!Wanted(await registry.ReadAsync(life), resting).ContainsKey(name))
            {
                await session.UnlockAsync(name, life);
                continue;
            }

            var own = CancellationTokenSource.CreateLinkedTokenSource(life);
            var shard = new RunningShard(name, own);
            shard.Task = RunAsync(shard, run, own.Token);
            lock (gate) running.Add(name, shard);
        }
    }

    /// <summary>The readers that are paused or stopped, and why.</summary>
    private async Task<Dictionary<string, string>> RestingAsync(CancellationToken cancellation)
    {
        await using var command = services.Source.CreateCommand(
            "select reader, coalesce(stopped, '') from checkpoints where paused or stopped is not null");
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var resting = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await row.ReadAsync(cancellation)) resting.Add(row.GetString(0), row.GetString(1));
        return resting;
    }

    private Dictionary<string, Func<RunningShard, CancellationToken, Task>> Wanted(
        List<ProjectionGeneration> generations, Dictionary<string, string> resting)
    {
        var wanted = new Dictionary<string, Func<RunningShard, CancellationToken, Task>>(StringComparer.Ordinal);
        foreach (var subscription in subscriptions)
            if (!Rests(subscription.Name, resting))
                wanted.Add(subscription.Name, (shard, life) => FollowAsync(shard, subscription,
                    Checkpoint.TakeAsync(services.Source, subscription.Name, life), life));
        foreach (var projection in plan.Projections)
        {
            var lifecycle = plan.LifecycleOf(projection);
            var own = generations.Where(g => g.Name == projection.Name).ToList();
            if (own.Find(g => g.Live) is not { } live) continue;
            if (live.Version > projection.Version)
            {
                Trouble = $"{projection.Name}: version {live.Version} is live and this program knows "
                    + $"{projection.Version}: update the program";
                continue;
            }

            var building = own.Find(g => !g.Live);
            if (live.Version < projection.Version || live.Lifecycle != lifecycle || live.Shards != projection.Shards
                || building is not null && building.Version == projection.Version)
            {
                if (building is null || !building.ShardNames.Any(s => Rests(s.ToString(), resting)))
                    wanted.Add($"rebuild:{projection.Name}", (_, life) => RebuildAsync(projection, lifecycle, life));
            }

            if (live.Version != projection.Version || live.Lifecycle == ProjectionLifecycle.Inline) continue;
            foreach (var name in live.ShardNames)
                if (!Rests(name.ToString(), resting))
                    wanted.Add(name.ToString(), (shard, life) => FollowAsync(
                        shard, ShardOf(projection, name), registry.TakeAsync(live, name, life), life));
        }

        return wanted;
    }

    private bool Rests(string reader, Dictionary<string, string> resting)
    {
        if (!resting.TryGetValue(reader, out var why)) return false;
        if (why.Length > 0) Trouble = $"{reader} is stopped: {why}";
        return true;
    }

    private ProjectionShard ShardOf(Projection projection, ShardName name) =>
        new(projection, name, projection.Table, services.Source, registry.LockOf(projection.Name));

    private async Task FollowAsync(
        RunningShard shard, Subscription subscription, Task<Checkpoint> taking, CancellationToken life)
    {
        var checkpoint = await taking;
        Owning(log, subscription.Name, checkpoint.Position);
        shard.Worker = new ShardWorker(subscription, checkpoint, pages, services.Source, services.Time);
        await shard.Worker.FollowAsync(mark, life);
    }

    private Task RebuildAsync(Projection projection, ProjectionLifecycle lifecycle, CancellationToken life) =>
        new Rebuilder(projection, lifecycle, services, log).RunAsync(null, life);

    /// <summary>What ends a reader is noted; the next look starts it again where that is right.</summary>
    private async Task RunAsync(
        RunningShard shard, Func<RunningShard, CancellationToken, Task> run, CancellationToken life)
    {
        try
        {
            await Task.Yield();
            await run(shard, life);
        }
        catch (Exception) when (life.IsCancellationRequested)
        {
            // It was told to end.
        }
        catch (Exception e)
        {
            shard.Failure = $"{shard.Name}: {e.Message}";
            Ended(log, shard.Name, e.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{Reader} reads the store from position {From}.")]
    private static partial void Owning(ILogger logger, string reader, long from);

    [LoggerMessage(2, LogLevel.Warning, "{Reader} ended and begins anew: {Cause}")]
    private static partial void Ended(ILogger logger, string reader, string cause);
}
