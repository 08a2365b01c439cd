namespace EventStream.EventStore.Tools;

/// <summary>
/// Rebuilds a read model in place, while nobody uses it. A live one is rebuilt by raising its <c>Version</c>, which
/// fills a second table beside the first; in place, its readers would see an empty table that fills.
/// </summary>
public sealed class StoreRebuild(OpenStore store)
{
    /// <summary>The longest that one read model may take.</summary>
    private static readonly TimeSpan TimeMax = TimeSpan.FromHours(24);

    /// <summary>The names of the read models.</summary>
    public IReadOnlyList<string> Names =>
        [
            .. store
                .Documents.Options.Projections.AllShards()
                .Select(shard => shard.Name.Name)
                .Where(name => name != Relay.KafkaRelay.ReaderName)
                .Distinct(StringComparer.Ordinal),
        ];

    /// <summary>Throws <see cref="LiveReadersException"/> while a process runs the service's readers.</summary>
    public async Task RunAsync(string name, CancellationToken cancellation)
    {
        var held = await new ReaderLocks(store).HeldAsync(cancellation);
        if (held.Count > 0)
            throw new LiveReadModelException(store.Service.Name, name);
        using var daemon = await store.Documents.BuildProjectionDaemonAsync();
        await daemon.RebuildProjectionAsync(name, TimeMax, cancellation);
    }
}

/// <summary>The read model is in use, so that it is not emptied and filled in place.</summary>
public sealed class LiveReadModelException(string service, string name)
    : Exception(
        $"The role '{service}' runs and shows '{name}', which a rebuild in place would empty. Raise the read model's "
            + "Version and start the new release: it fills a second table while the former one is shown. To rebuild in "
            + $"place, stop the role '{service}' first."
    );
