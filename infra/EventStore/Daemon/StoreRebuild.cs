using EventStream.EventStore.Projections;
using Microsoft.Extensions.Logging;

namespace EventStream.EventStore.Daemon;

/// <summary>
/// Rebuilds a projection from any process, beside the daemons that keep it; only one process does so at a time.
/// </summary>
public sealed class StoreRebuild(DaemonServices services)
{
    /// <summary>
    /// Builds the projection anew and puts it in the place of the live one. Cancelled or killed, it leaves the live
    /// tables as they are, and the next rebuild goes on where it was. Throws <see cref="RebuildRunsException"/> where
    /// another process is at it and <see cref="ProjectionStoppedException"/> where an event cannot be applied.
    /// </summary>
    public async Task RunAsync(
        Projection projection, ProjectionLifecycle lifecycle, IProgress<RebuildProgress>? progress,
        CancellationToken cancellation)
    {
        await new ProjectionRegistry(services.Source, services.Options)
            .EnsureAsync(projection, lifecycle, cancellation);
        await using var session = await OwnerSession.OpenAsync(services.Options, cancellation);
        if (!await session.TryLockAsync($"rebuild:{projection.Name}", cancellation))
            throw new RebuildRunsException(projection.Name);
        var log = services.Logs.CreateLogger<StoreRebuild>();
        await new Rebuilder(projection, lifecycle, services, log).RunAsync(progress, cancellation);
    }
}

/// <summary>Another process rebuilds the projection already.</summary>
public sealed class RebuildRunsException(string projection)
    : Exception($"Another process rebuilds '{projection}' already: wait for it, or look at `eventstream store status`.")
{
    public string Projection { get; } = projection;
}
