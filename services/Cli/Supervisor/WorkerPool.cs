namespace EventStream.Cli.Supervisor;

/// <summary>What a scaling target runs and may run.</summary>
public sealed record ScaleStatus(string Target, int Replicas, int Min, int Max);

/// <summary>
/// The encode workers: as many processes as were asked for last. It owns the truth about how many there are. A request
/// is accepted at once and carried out in the background, because a worker that leaves finishes or gives back what it
/// holds.
/// </summary>
internal sealed class WorkerPool(Func<int, Supervised> create, int max, Action<string> say)
{
    /// <summary>The scaling target's name.</summary>
    public const string Target = "encode-workers";

    /// <summary>One worker stays, so that an upload is never left alone.</summary>
    public const int Min = 1;

    private readonly Lock gate = new();
    private readonly SortedDictionary<int, Supervised> working = [];
    private readonly Dictionary<int, (Supervised Worker, Task Stop)> leaving = [];

    public ScaleStatus Status
    {
        get
        {
            lock (gate)
                return new ScaleStatus(Target, working.Count, Min, max);
        }
    }

    /// <summary>Every worker, those that are on their way out last.</summary>
    public IReadOnlyList<Supervised> Snapshot()
    {
        lock (gate)
            return [.. working.Values, .. leaving.Values.Select(entry => entry.Worker)];
    }

    /// <summary>
    /// Starts the first workers and returns when they are ready. Throws <see cref="CommandException"/>.
    /// </summary>
    public async Task StartAsync(int replicas, CancellationToken cancellation)
    {
        for (var slot = 0; slot < replicas; slot++)
        {
            var worker = create(slot);
            lock (gate)
                working[slot] = worker;
            await worker.StartAsync(cancellation);
        }
    }

    /// <summary>
    /// Begins to start or stop processes until there are <paramref name="replicas"/>; the last to come is the first to
    /// go. Throws <see cref="ArgumentOutOfRangeException"/> outside <see cref="Min"/> and the maximum.
    /// </summary>
    public ScaleStatus Scale(int replicas, string reason)
    {
        if (replicas < Min || replicas > max)
        {
            throw new ArgumentOutOfRangeException(
                nameof(replicas),
                replicas,
                $"{Target} can be scaled from {Min} to {max} replicas."
            );
        }

        lock (gate)
        {
            if (working.Count != replicas)
                say($"{Target}: {working.Count} -> {replicas} ({reason})");
            while (working.Count < replicas)
                Add();
            while (working.Count > replicas)
                Remove();
        }

        return Status;
    }

    /// <summary>Stops every worker and returns when all are gone.</summary>
    public async Task StopAsync()
    {
        Task[] stops;
        lock (gate)
        {
            while (working.Count > 0)
                Remove();
            stops = [.. leaving.Values.Select(entry => entry.Stop)];
        }

        await Task.WhenAll(stops);
    }

    private void Add()
    {
        // The slot of a worker that is still leaving keeps its port, so the next free one is taken.
        var slot = Enumerable
            .Range(0, PortPlan.WorkersMax * 2)
            .First(i => !working.ContainsKey(i) && !leaving.ContainsKey(i));
        var worker = create(slot);
        worker.Launch();
        working[slot] = worker;
    }

    private void Remove()
    {
        var (slot, worker) = working.Last();
        working.Remove(slot);
        leaving[slot] = (worker, StopAsync(slot, worker));
    }

    private async Task StopAsync(int slot, Supervised worker)
    {
        // Never completes inside the caller's lock.
        await Task.Yield();
        await worker.StopAsync();
        lock (gate)
            leaving.Remove(slot);
    }
}
