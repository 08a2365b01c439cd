namespace EventStream.Console.Supervisor;

/// <summary>What a scaling target runs and may run.</summary>
public sealed record ScaleStatus(string Target, int Replicas, int Min, int Max);

/// <summary>
/// The encode workers: as many processes as were asked for last. It owns the truth about how many there are; requests are
/// carried out one after the other.
/// </summary>
internal sealed class WorkerPool(Func<int, Supervised> create, int max, Action<string> say)
{
    /// <summary>The scaling target's name.</summary>
    public const string Target = "encode-workers";

    /// <summary>One worker stays, so that an upload is never left alone.</summary>
    public const int Min = 1;

    private readonly SemaphoreSlim gate = new(1);
    private readonly List<Supervised> workers = [];

    public ScaleStatus Status => new(Target, Snapshot().Count, Min, max);

    public IReadOnlyList<Supervised> Snapshot()
    {
        lock (workers) return [.. workers];
    }

    /// <summary>
    /// Starts or stops processes until there are <paramref name="replicas"/>, and returns when they are ready or gone. The
    /// last to come is the first to go. Throws <see cref="ArgumentOutOfRangeException"/> outside <see cref="Min"/> and max.
    /// </summary>
    public async Task<ScaleStatus> ScaleAsync(int replicas, string reason, CancellationToken cancellation)
    {
        if (replicas < Min || replicas > max)
        {
            throw new ArgumentOutOfRangeException(
                nameof(replicas), replicas, $"{Target} can be scaled from {Min} to {max} replicas.");
        }

        await gate.WaitAsync(cancellation);
        try
        {
            var before = Snapshot().Count;
            if (before != replicas) say($"{Target}: {before} -> {replicas} ({reason})");
            await GrowAsync(replicas, cancellation);
            await ShrinkAsync(replicas);
            return Status;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Stops every worker.</summary>
    public async Task StopAsync()
    {
        await gate.WaitAsync();
        try
        {
            await ShrinkAsync(0);
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task GrowAsync(int replicas, CancellationToken cancellation)
    {
        for (var slot = Snapshot().Count; slot < replicas; slot++)
        {
            var worker = create(slot);
            await worker.StartAsync(cancellation);
            lock (workers) workers.Add(worker);
        }
    }

    private async Task ShrinkAsync(int replicas)
    {
        var leaving = Snapshot().Skip(replicas).ToArray();
        await Task.WhenAll(leaving.Select(worker => worker.StopAsync()));
        lock (workers) workers.RemoveRange(replicas, leaving.Length);
    }
}
