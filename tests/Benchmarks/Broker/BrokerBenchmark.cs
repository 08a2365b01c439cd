namespace EventStream.Benchmarks;

/// <summary>
/// The platform's broker beside Apache Kafka, where it is present, and librdkafka's in-process mock, which writes
/// nothing to disk: throughput, processor time of the broker, latency, start and memory. The stock client loads them in
/// turn. Where the clients use up the processors, throughput says little, and the processor time of the broker for a
/// million records says the rest.
/// </summary>
internal static class BrokerBenchmark
{
    private const int Rounds = 3;
    private const int Starts = 2;
    private const int LatencyRecords = 250;

    /// <summary>How much more is sent where no client makes it, so that a round is not over too soon.</summary>
    private const int ReadyTimes = 2;

    private const string Apache = "Apache Kafka";
    private const string Cpu = "CPU-s/M records";
    private const string Mock = "librdkafka mock, in memory";
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    private static readonly BrokerWorkload[] Workloads =
    [
        new("600 B, one producer", 300_000, 600, 1),
        new("600 B, eight producers", 300_000, 600, 8),
        new("10 KB, one producer", 30_000, 10_000, 1),
        new("10 KB, eight producers", 30_000, 10_000, 8),
    ];

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        await using var own = new OwnServer();
        await using var apache = ApacheServer.Command is null ? null : new ApacheServer();
        BrokerServer[] servers = apache is null ? [own] : [own, apache];
        var figures = new List<Figure>();
        void Add(IEnumerable<Figure> measured)
        {
            foreach (var figure in measured)
            {
                figures.Add(figure);
                System.Console.WriteLine(
                    $"  {figure.Name}: {figure.Ours:0.##} {figure.Unit}, {figure.Ratio:0.00} of {figure.PeerName}"
                );
            }
        }

        var (seconds, cpu) = await StartsAsync(servers);
        Add(Compare("start to first answer", "s", seconds, "<= 0.5 s"));
        Add(Compare("start to first answer, broker's CPU", "CPU-s", cpu, "<= 0.5"));
        await Task.Delay(Settling);
        Add(Compare("memory, just started", "MB", Each(servers, s => s.ResidentMegabytes()), "<= 0.2"));
        foreach (var load in Workloads)
        {
            Add(await StockClientAsync(servers, load));
            Add(await RequestsReadyAsync(servers, load with { Records = load.Records * ReadyTimes }));
        }

        Add(await LatencyAsync(servers));
        await Task.Delay(Settling);
        Add(Compare("memory, after the load", "MB", Each(servers, s => s.ResidentMegabytes()), "<= 0.2"));
        return figures;
    }

    /// <summary>
    /// The better of two starts of each, as time and as processor time: the first also makes the data folder. The last
    /// one goes on.
    /// </summary>
    private static async Task<(double[] Seconds, double[] Cpu)> StartsAsync(BrokerServer[] servers)
    {
        var seconds = servers.Select(_ => double.MaxValue).ToArray();
        var cpu = servers.Select(_ => double.MaxValue).ToArray();
        for (var round = 0; round < Starts; round++)
        {
            for (var i = 0; i < servers.Length; i++)
            {
                await servers[i].StopAsync();
                seconds[i] = Math.Min(seconds[i], await servers[i].StartAsync());
                cpu[i] = Math.Min(cpu[i], servers[i].CpuSeconds());
            }
        }

        return (seconds, cpu);
    }

    /// <summary>The stock client, beside it also its own imitation of a cluster.</summary>
    private static async Task<IEnumerable<Figure>> StockClientAsync(BrokerServer[] servers, BrokerWorkload load)
    {
        var mock = new BrokerSamples(null, load.Records);
        var (produced, consumed) = await RoundsAsync(
            servers,
            load,
            BrokerLoad.ProduceAsync,
            BrokerLoad.ConsumeAsync,
            () => mock.TakeAsync(() => BrokerLoad.ProduceAsync(load, null))
        );
        return
        [
            .. Rows($"produce {load.Name}", produced),
            Figure.AgainstPeer($"produce {load.Name}", "records/s", produced[0].Rate, mock.Rate, Mock, ">= 0.5"),
            .. Compare($"produce {load.Name}, client's CPU", Cpu, [.. produced.Select(s => s.ClientCpu)], "none"),
            .. Rows($"consume {load.RecordBytes} B, one consumer", consumed),
        ];
    }

    /// <summary>The same load by requests that are ready: how fast the broker is with no client in its way.</summary>
    private static async Task<IEnumerable<Figure>> RequestsReadyAsync(BrokerServer[] servers, BrokerWorkload load)
    {
        var (produced, consumed) = await RoundsAsync(
            servers,
            load,
            (some, server) => WireLoad.ProduceAsync(some, server!),
            WireLoad.ConsumeAsync,
            () => Task.CompletedTask,
            WireLoad.ConsumedTimes
        );
        return
        [
            .. Rows($"produce {load.Name}, requests ready", produced),
            .. Rows($"consume {load.RecordBytes} B, requests ready", consumed),
        ];
    }

    /// <summary>
    /// Every server in turn gets a topic, the load and, from one producer, a consumer. The topic goes before the next
    /// one comes, so that all of them write into the same memory of the machine: memory that it has not used before is
    /// many times dearer than a broker, for whoever needs it first.
    /// </summary>
    private static async Task<(BrokerSamples[] Produced, BrokerSamples[] Consumed)> RoundsAsync(
        BrokerServer[] servers,
        BrokerWorkload load,
        Func<BrokerWorkload, string?, Task> produce,
        Func<BrokerWorkload, string, Task> consume,
        Func<Task> others,
        int times = 1
    )
    {
        BrokerSamples[] produced = [.. servers.Select(server => new BrokerSamples(server, load.Records))];
        BrokerSamples[] consumed =
            load.Producers > 1 ? [] : [.. servers.Select(server => new BrokerSamples(server, load.Records * times))];
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var (i, server) in servers.Index())
            {
                await BrokerLoad.CreateAsync(server.Bootstrap, load.Topic);
                await produced[i].TakeAsync(() => produce(load, server.Bootstrap));
                if (consumed.Length > 0)
                    await consumed[i].TakeAsync(() => consume(load, server.Bootstrap));
                await BrokerLoad.DeleteAsync(server.Bootstrap, load.Topic);
                await server.WaitUntilDeletedAsync(load.Topic);
            }

            await others();
        }

        return (produced, consumed);
    }

    /// <summary>Rate and processor time of the broker.</summary>
    private static IEnumerable<Figure> Rows(string name, BrokerSamples[] servers) =>
        servers.Length == 0
            ? []
            :
            [
                .. Compare(name, "records/s", [.. servers.Select(s => s.Rate)], ">= 2"),
                .. Compare($"{name}, broker's CPU", Cpu, [.. servers.Select(s => s.BrokerCpu)], "<= 0.5"),
            ];

    private static async Task<IEnumerable<Figure>> LatencyAsync(BrokerServer[] servers)
    {
        const string Topic = "bench-latency";
        foreach (var server in servers)
            await BrokerLoad.CreateAsync(server.Bootstrap, Topic);
        var latencies = servers.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round <= Rounds; round++)
        {
            for (var i = 0; i < servers.Length; i++)
            {
                var measured = await BrokerLoad.LatenciesAsync(servers[i].Bootstrap, Topic, LatencyRecords);
                if (round > 0)
                    latencies[i].AddRange(measured);
            }
        }

        double[] At(double share) => [.. latencies.Select(l => BrokerSamples.Quantile(l, share))];
        return
        [
            .. Compare("produce to consume, p50", "ms", At(0.5), "<= 1"),
            .. Compare("produce to consume, p99", "ms", At(0.99), "<= 1"),
        ];
    }

    /// <summary>One figure beside Apache Kafka; without it the figure stands alone, against itself.</summary>
    private static IEnumerable<Figure> Compare(string name, string unit, double[] values, string aim)
    {
        yield return values.Length > 1
            ? Figure.AgainstPeer("broker " + name, unit, values[0], values[1], Apache, aim)
            : new Figure("broker " + name, unit, values[0], null, null, "no peer here", 1, aim);
    }

    private static double[] Each(BrokerServer[] servers, Func<BrokerServer, double> measure) =>
        [.. servers.Select(measure)];
}
