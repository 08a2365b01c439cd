using System.Diagnostics;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Streams.Faults;

/// <summary>What a fault run does to the instances of a stream.</summary>
internal enum StreamFault
{
    /// <summary>kill -9; a successor of the same name starts at once.</summary>
    Kill,

    /// <summary>kill -9 of every instance at once, then all start again.</summary>
    KillAll,

    /// <summary>kill -9 without a successor: the group notices by the session timeout.</summary>
    Die,

    /// <summary>SIGTERM: the instance leaves the group in good order.</summary>
    Leave,

    /// <summary>An instance that is gone comes back, and partitions move to it.</summary>
    Join,

    /// <summary>
    /// An instance is suspended, another starts under its name and transactional id, and the first wakes up.
    /// </summary>
    Fence,
}

/// <summary>
/// The instances of one stream, and the faults that happen to them: drawn from a seed, sometimes as soon as the next
/// process runs (so that start, restore and rebalance are interrupted), mostly after it has committed something.
/// </summary>
internal sealed class StreamFaults(
    IReadOnlyList<string> names,
    Func<string, StreamInstance> launch,
    StreamFeed feed,
    int seed
) : IAsyncDisposable
{
    private static readonly TimeSpan ProgressTimeout = TimeSpan.FromSeconds(90);
    private readonly Random random = new(seed);
    private readonly Dictionary<string, StreamInstance> running = [];
    private readonly List<StreamInstance> ended = [];

    /// <summary>How often each kind of fault happened.</summary>
    public SortedDictionary<StreamFault, int> Happened { get; } = [];

    /// <summary>The longest time until something was committed again after a fault.</summary>
    public TimeSpan StallMax { get; private set; }

    /// <summary>What the processes wrote last, for the message of a failed test.</summary>
    public string Output =>
        string.Join(
            "\n",
            ended
                .TakeLast(4)
                .Concat(running.Values)
                .Select(instance =>
                    $"--- {instance.Name}{(instance.HasExited ? " (ended)" : "")}\n{instance.OutputEnd}"
                )
        );

    /// <summary>Starts every instance and returns when the first results are committed.</summary>
    public async Task StartAsync()
    {
        foreach (var name in names)
            running[name] = launch(name);
        await ProgressAsync();
    }

    /// <summary>Lets the given faults happen in turn for as long as the run lasts, and each at least once.</summary>
    public async Task SufferAsync(TimeSpan duration, IReadOnlyList<StreamFault> faults)
    {
        var clock = Stopwatch.StartNew();
        var due = new Queue<StreamFault>(Shuffled(faults));
        while (clock.Elapsed < duration || due.Count > 0)
        {
            await ApplyAsync(due.Count > 0 ? due.Dequeue() : faults[random.Next(faults.Count)]);
            if (random.Next(3) > 0)
                await ProgressAsync();
            else
                await Task.Delay(random.Next(100, 3_000));
        }

        await ReviveAsync();
        await ProgressAsync();
    }

    /// <summary>kill -9 so many times, each as soon as the successor has committed something.</summary>
    public async Task KillAsync(int times)
    {
        for (var i = 0; i < times; i++)
        {
            await ApplyAsync(StreamFault.Kill);
            await ProgressAsync();
        }
    }

    /// <summary>Starts what is not running, so that the run can come to its end.</summary>
    public async Task ReviveAsync()
    {
        foreach (var name in names.Where(name => !running.TryGetValue(name, out var there) || there.HasExited))
        {
            Remove(name);
            running[name] = launch(name);
        }
    }

    /// <summary>All instances leave in good order.</summary>
    public async Task StopAsync()
    {
        foreach (var instance in running.Values)
            await instance.LeaveAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in running.Values.Concat(ended))
            await instance.DisposeAsync();
    }

    private async Task ApplyAsync(StreamFault fault)
    {
        feed.NoteFault();
        Happened[fault] = Happened.GetValueOrDefault(fault) + 1;
        var name = names[random.Next(names.Count)];
        switch (fault)
        {
            case StreamFault.Kill:
                await KillAsync(name);
                running[name] = launch(name);
                break;
            case StreamFault.KillAll:
                await Task.WhenAll(names.Select(KillAsync));
                await ReviveAsync();
                break;
            case StreamFault.Die:
                await ReviveAsync();
                await KillAsync(name);
                break;
            case StreamFault.Leave:
                await ReviveAsync();
                await running[name].LeaveAsync();
                Remove(name);
                break;
            case StreamFault.Join:
                await KillAsync(name);
                await Task.Delay(random.Next(100, 4_000));
                await ReviveAsync();
                break;
            case StreamFault.Fence:
                await ReviveAsync();
                await FenceAsync(name);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(fault), fault, null);
        }
    }

    /// <summary>
    /// Both live for a while after the first wakes up: whichever is fenced must not have written what counts.
    /// </summary>
    private async Task FenceAsync(string name)
    {
        var first = running[name];
        await first.SuspendAsync();
        running[name] = launch(name);
        await ProgressAsync();
        await first.ResumeAsync();
        await Task.Delay(random.Next(500, 3_000));
        await first.KillAsync();
        ended.Add(first);
    }

    private async Task KillAsync(string name)
    {
        if (running.TryGetValue(name, out var instance))
            await instance.KillAsync();
        Remove(name);
    }

    private void Remove(string name)
    {
        if (running.Remove(name, out var instance))
            ended.Add(instance);
    }

    /// <summary>Waits until the group has committed more than now.</summary>
    private async Task ProgressAsync()
    {
        var (before, clock) = (feed.Committed, Stopwatch.StartNew());
        await Wait.UntilAsync("the stream goes on after a fault", () => feed.Committed > before, ProgressTimeout);
        if (clock.Elapsed > StallMax)
            StallMax = clock.Elapsed;
    }

    private StreamFault[] Shuffled(IEnumerable<StreamFault> faults)
    {
        var all = faults.ToArray();
        random.Shuffle(all);
        return all;
    }
}
