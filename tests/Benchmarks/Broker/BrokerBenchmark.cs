using System.Diagnostics;

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
    private const string Apache = "Apache Kafka";
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
                    $"  {figure.Name}: {figure.Ours:0.##} {figure.Unit}, {figure.Ratio:0.00} of {figure.PeerName}");
            }
        }

        var (seconds, cpu) = await StartsAsync(servers);
        Add(Compare("start to first answer", "s", seconds, "<= 0.5 s"));
        Add(Compare("start to first answer, broker's CPU", "CPU-s", cpu, "<= 0.5"));
        await Task.Delay(Settling);
        Add(Compare("memory, just started", "MB", Each(servers, s => s.ResidentMegabytes()), "<= 0.2"));
        foreach (var load in Workloads)
        {
            Add(await ProduceAsync(servers, load));
            if (load.Producers == 1) Add(await ConsumeAsync(servers, load));
            foreach (var server in servers) await BrokerLoad.DeleteAsync(server.Bootstrap, load.Topic);
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

    private static async Task<IEnumerable<Figure>> ProduceAsync(BrokerServer[] servers, BrokerWorkload load)
    {
        foreach (var server in servers) await BrokerLoad.CreateAsync(server.Bootstrap, load.Topic);
        var (rates, cpu, clients) = await RoundsAsync(
            servers,
            load.Records,
            [.. servers.Select(s => (Func<Task>)(() => BrokerLoad.ProduceAsync(load, s.Bootstrap))),
                () => BrokerLoad.ProduceAsync(load, null)]);
        return
        [
            .. Compare($"produce {load.Name}", "records/s", rates[..servers.Length], ">= 2"),
            Figure.AgainstPeer($"produce {load.Name}", "records/s", rates[0], rates[^1], Mock, ">= 0.5"),
            .. Compare($"produce {load.Name}, broker's CPU", "CPU-s/M records", cpu, "<= 0.5"),
            .. Compare($"produce {load.Name}, client's CPU", "CPU-s/M records", clients[..servers.Length], "none"),
        ];
    }

    private static async Task<IEnumerable<Figure>> ConsumeAsync(BrokerServer[] servers, BrokerWorkload load)
    {
        var (rates, cpu, clients) = await RoundsAsync(
            servers,
            load.Records,
            [.. servers.Select(s => (Func<Task>)(() => BrokerLoad.ConsumeAsync(load, s.Bootstrap)))]);
        var name = $"consume {load.RecordBytes} B, one consumer";
        return
        [
            .. Compare(name, "records/s", rates, ">= 2"),
            .. Compare($"{name}, broker's CPU", "CPU-s/M records", cpu, "<= 0.5"),
            .. Compare($"{name}, client's CPU", "CPU-s/M records", clients, "none"),
        ];
    }

    private static async Task<IEnumerable<Figure>> LatencyAsync(BrokerServer[] servers)
    {
        const string Topic = "bench-latency";
        foreach (var server in servers) await BrokerLoad.CreateAsync(server.Bootstrap, Topic);
        var latencies = servers.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round <= Rounds; round++)
        {
            for (var i = 0; i < servers.Length; i++)
            {
                var measured = await BrokerLoad.LatenciesAsync(servers[i].Bootstrap, Topic, LatencyRecords);
                if (round > 0) latencies[i].AddRange(measured);
            }
        }

        return
        [
            .. Compare("produce to consume, p50", "ms", [.. latencies.Select(l => Quantile(l, 0.5))], "<= 1"),
            .. Compare("produce to consume, p99", "ms", [.. latencies.Select(l => Quantile(l, 0.99))], "<= 1"),
        ];
    }

    /// <summary>
    /// Medians of the rate of each contestant, of the processor time that each server used for a million records, and
    /// of what the clients of each contestant used. The first round only warms up.
    /// </summary>
    private static async Task<(double[] Rates, double[] Cpu, double[] Clients)> RoundsAsync(
        BrokerServer[] servers, int records, Func<Task>[] contestants)
    {
        var rates = contestants.Select(_ => new List<double>()).ToArray();
        var cpu = servers.Select(_ => new List<double>()).ToArray();
        var clients = contestants.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round <= Rounds; round++)
        {
            for (var i = 0; i < contestants.Length; i++)
            {
                await WriteBackAsync();
                var before = i < servers.Length ? servers[i].CpuSeconds() : 0;
                var (clientBefore, clock) = (Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
                await contestants[i]();
                var (seconds, client) = (clock.Elapsed.TotalSeconds, Environment.CpuUsage.TotalTime - clientBefore);
                if (round == 0) continue;
                rates[i].Add(records / seconds);
                clients[i].Add(client.TotalSeconds * 1_000_000 / records);
                if (i < servers.Length) cpu[i].Add((servers[i].CpuSeconds() - before) * 1_000_000 / records);
            }
        }

        return ([.. rates.Select(Median)], [.. cpu.Select(Median)], [.. clients.Select(Median)]);
    }

    /// <summary>
    /// What one contestant has left in the page cache would be written while the next one is measured.
    /// </summary>
    private static async Task WriteBackAsync()
    {
        using var sync = Process.Start("sync");
        await sync.WaitForExitAsync();
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

    private static double Median(List<double> values) => Quantile(values, 0.5);

    private static double Quantile(List<double> values, double share) =>
        values.Order().ElementAt((int)Math.Min(values.Count - 1, values.Count * share));
}
