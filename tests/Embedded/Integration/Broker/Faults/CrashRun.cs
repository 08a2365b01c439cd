using Confluent.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker.Faults;

/// <summary>What a crash run does to the broker and to its clients.</summary>
internal sealed record Faults(bool KillBroker, bool KillClients, bool Tear, string Flush);

/// <summary>
/// Numbered records flow from two producers through an exactly-once chain of two processes; two processes of transfers
/// write transactions beside them, and a plain consumer processes. At moments drawn from the seed one of the processes,
/// or the broker itself, is killed (SIGKILL) and started again, or a client is supplanted by another one.
/// </summary>
internal sealed class CrashRun : IAsyncDisposable
{
    public const int Partitions = 2;
    public const string Source = "source";
    public const string Target = "target";
    public const string Transfers = "transfers";

    private const int FaultsMin = 6;
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(120);

    private readonly Faults _faults;
    private readonly Random _random;
    private readonly List<ClientProcess> _sources = [];
    private readonly List<ClientProcess> _sinks = [];
    private readonly Dictionary<int, long> _chainOffsets = [];
    private readonly Lazy<IConsumer<string, string>> _watcher;

    private CrashRun(Faults faults, FaultRun run)
    {
        _faults = faults;
        _random = new Random(run.Seed);
        Broker = new KilledProcess(("Broker:Flush", faults.Flush));
        _watcher = new(() => Reading.Build(Broker.Bootstrap, ChainClient.Group));
    }

    public KilledProcess Broker { get; }

    public Evidence Evidence { get; } = new();

    /// <summary>How often each kind of fault happened.</summary>
    public SortedDictionary<string, int> Happened { get; } = new(StringComparer.Ordinal);

    /// <summary>Starts the broker, makes the topics and starts the clients.</summary>
    public static async Task<CrashRun> StartAsync(Faults faults, FaultRun run)
    {
        var crash = new CrashRun(faults, run);
        await crash.Broker.StartAsync();
        using var admin = new AdminClientBuilder(
            new AdminClientConfig { BootstrapServers = crash.Broker.Bootstrap }
        ).Build();
        await admin.CreateTopicsAsync(
            from topic in (string[])[Source, Target, Transfers]
            select new Confluent.Kafka.Admin.TopicSpecification
            {
                Name = topic,
                NumPartitions = Partitions,
                ReplicationFactor = 1,
                Configs = new() { ["segment.bytes"] = "1048576" },
            }
        );
        for (var i = 0; i < Partitions; i++)
        {
            var index = i;
            crash.Add(crash._sources, "produce", n => [Source, $"p{index}.{n}", $"{index}"]);
            crash.Add(crash._sources, "transfer", n => [Transfers, $"t{index}", $"{n}"]);
            crash.Add(crash._sinks, "chain", _ => [Source, Target, $"c{index}"]);
        }
        crash.Add(crash._sinks, "consume", _ => [Source]);
        return crash;
    }

    /// <summary>
    /// Lets faults happen for as long as the run lasts; on a busy machine a little longer, so that some happen at all.
    /// </summary>
    public async Task SufferAsync(TimeSpan duration)
    {
        await Wait.UntilAsync("every kind of client works", () => Evidence.IsComplete, StartTimeout);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (var faults = 0; clock.Elapsed < duration || (faults < FaultsMin && clock.Elapsed < 3 * duration); faults++)
        {
            await Task.Delay(_random.Next(200, 1500));
            if (_faults.KillBroker && (!_faults.KillClients || _random.Next(3) == 0))
            {
                await KillBrokerAsync();
                WatchChain();
            }
            else
            {
                await KillClientAsync();
            }
        }
    }

    /// <summary>
    /// Lets the producers end in good order, then waits until the chain and the consumer have taken everything.
    /// </summary>
    public async Task SettleAsync()
    {
        await Task.WhenAll(_sources.Select(client => client.EndAsync()));
        var ends = Reading.Ends(Broker.Bootstrap, Source, Partitions);
        foreach (var group in (string[])[ChainClient.Group, ConsumerClient.Group])
        {
            await Wait.UntilAsync(
                $"the group {group} has taken everything",
                () =>
                {
                    WatchChain();
                    var taken = Reading.Committed(Broker.Bootstrap, group, Source, Partitions);
                    return Enumerable.Range(0, Partitions).All(p => taken[p] >= ends[p] - UncommittedMax(group));
                },
                TimeSpan.FromSeconds(120)
            );
        }
        await Task.WhenAll(_sinks.Select(client => client.EndAsync()));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _sources.Concat(_sinks))
        {
            await client.DisposeAsync();
        }
        if (_watcher.IsValueCreated)
        {
            _watcher.Value.Dispose();
        }
        await Broker.DisposeAsync();
    }

    /// <summary>The plain consumer commits after a number of records only, the chain after a time.</summary>
    private static long UncommittedMax(string group) => group == ChainClient.Group ? 0 : 100;

    private void Add(List<ClientProcess> to, string role, Func<int, string[]> arguments)
    {
        var client = new ClientProcess(role, arguments, Broker.Bootstrap, Evidence);
        to.Add(client);
        client.Start();
    }

    private async Task KillBrokerAsync()
    {
        Count("broker killed");
        await Broker.KillAsync();
        if (_faults.Tear)
        {
            Count("ends torn", TornWrites.Leave(Broker.DataFolder, _random));
        }
        await Broker.StartAsync();
    }

    private async Task KillClientAsync()
    {
        var clients = _sources.Concat(_sinks).ToList();
        var victim = clients[_random.Next(clients.Count)];
        if (victim.Role == "transfer" && _random.Next(2) == 0)
        {
            Count("transfer supplanted");
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
            var code = await victim.SupplantAsync(TimeSpan.FromSeconds(2), limit.Token);
            Count(code == FaultProgram.Fenced ? "found itself fenced" : $"ended with {code}");
            return;
        }
        Count($"{victim.Role} killed");
        victim.Kill();
    }

    private void Count(string what, int times = 1) => Happened[what] = Happened.GetValueOrDefault(what) + times;

    /// <summary>What the chain has committed only ever grows.</summary>
    private void WatchChain()
    {
        var committed = Reading.Committed(_watcher.Value, Source, Partitions);
        for (var p = 0; p < Partitions; p++)
        {
            if (committed[p] < _chainOffsets.GetValueOrDefault(p))
            {
                Evidence.Contradictions.Add(
                    $"The chain's offset of partition {p} went back from {_chainOffsets[p]} to {committed[p]}."
                );
            }
            _chainOffsets[p] = committed[p];
        }
    }
}
