using System.Diagnostics;
using System.Globalization;
using Confluent.Kafka;

namespace EventStream.Benchmarks.Streams;

/// <summary>
/// A consumer of the benchmark's topic in a process of its own. Its progress is what its group has committed, and its
/// cost is the processor time of its process, so that every contestant is measured in the same way from outside.
/// </summary>
internal sealed class StreamContestant(string name, Func<string, ProcessStartInfo> start)
{
    private const double TicksPerSecond = 100;
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    public string Name => name;

    /// <summary>
    /// Runs it, under a group of its own unless one is named, until it has committed all records; returns processor
    /// seconds a million records after the first ones, by which code is compiled and partitions are assigned.
    /// </summary>
    public async Task<double> RunAsync(
        string bootstrap,
        string topic,
        int partitions,
        int records,
        int warmUp,
        string? under = null
    )
    {
        var group = under ?? $"bench-{Guid.NewGuid():N}";
        using var process = Launch(start(group));
        try
        {
            using var reader = new ConsumerBuilder<byte[], byte[]>(
                new ConsumerConfig
                {
                    BootstrapServers = bootstrap,
                    GroupId = group,
                    EnableAutoCommit = false,
                }
            ).SetLogHandler((_, _) => { }).Build();
            var all = Enumerable.Range(0, partitions).Select(p => new TopicPartition(topic, p)).ToList();
            var (from, fromCpu) = await UntilAsync(process, reader, all, warmUp);
            var (to, toCpu) = await UntilAsync(process, reader, all, records);
            return (toCpu - fromCpu) / (to - from) * 1e6;
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    /// <summary>What it writes is read and dropped, so that it never waits for a reader.</summary>
    private static Process Launch(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private async Task<(long Committed, double Cpu)> UntilAsync(
        Process process,
        IConsumer<byte[], byte[]> reader,
        List<TopicPartition> partitions,
        long wanted
    )
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Timeout; )
        {
            if (process.HasExited)
                throw new InvalidOperationException($"{name} ended with {process.ExitCode}.");
            var committed = reader.Committed(partitions, Timeout).Sum(at => Math.Max(0, at.Offset.Value));
            if (committed >= wanted)
                return (committed, CpuSeconds(process.Id));
            await Task.Delay(Look);
        }

        throw new TimeoutException($"{name} did not commit {wanted} records in {Timeout}.");
    }

    private static double CpuSeconds(int process)
    {
        var stat = File.ReadAllText($"/proc/{process}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        double Ticks(int index) => double.Parse(fields[index], CultureInfo.InvariantCulture);
        return (Ticks(11) + Ticks(12)) / TicksPerSecond;
    }
}
