using System.Diagnostics;
using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using EventStream.Streams;

namespace EventStream.Benchmarks.Streams;

/// <summary>
/// How fast the state of a stream that was killed is read back from its changelog, with the settings of the room beside
/// the library's defaults, in one run on one broker.
/// </summary>
internal static class RestoreBenchmark
{
    private const string Topic = "bench-restore";
    private const int Partitions = 6;
    private const int Entries = 290_000;
    private const int Rounds = 3;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        await using var server = new OwnServer();
        await server.StartAsync();
        await WriteAsync(server.Bootstrap);
        var group = $"bench-{Guid.NewGuid():N}";
        await FillAsync(server.Bootstrap, group);
        var (ours, defaults) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            ours.Add(await RestoreAsync(server.Bootstrap, group, "room"));
            defaults.Add(await RestoreAsync(server.Bootstrap, group, "library"));
        }

        var (mine, theirs) = (Median(ours), Median(defaults));
        return
        [
            Figure.AgainstPeer(
                $"restore of {Entries:N0} changelog records",
                "s",
                mine,
                theirs,
                "library's defaults",
                "<= 0.5"
            ),
            Figure.AgainstPeer("restore", "records/s", Entries / mine, Entries / theirs, "library's defaults", ""),
        ];
    }

    /// <summary>What the child process of a round does: it writes the seconds, and waits to be ended.</summary>
    public static async Task ReportAsync(StreamHost host)
    {
        await host.StartAsync(CancellationToken.None);
        var clock = new Stopwatch();
        while (true)
        {
            var (done, total, records) = host.Status.Restore ?? new RestoreStatus(0, 0, 0);
            if (total > 0)
                clock.Start();
            if (total > 0 && done == total && records >= Entries)
            {
                System.Console.WriteLine(
                    string.Create(CultureInfo.InvariantCulture, $"restored {clock.Elapsed.TotalSeconds} {records}")
                );
                await Task.Delay(Timeout.Infinite);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(2));
        }
    }

    /// <summary>One record a key, all in one window that stays open.</summary>
    private static async Task WriteAsync(string bootstrap)
    {
        var config = new ClientConfig { BootstrapServers = bootstrap };
        using var admin = new AdminClientBuilder(config).Build();
        await admin.CreateTopicsAsync(
            from name in (string[])[Topic, WindowCount.Output]
            select new TopicSpecification
            {
                Name = name,
                NumPartitions = Partitions,
                ReplicationFactor = 1,
            }
        );
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig(config) { LingerMs = 5 }).Build();
        var time = new Timestamp(TimeProvider.System.GetUtcNow());
        for (var n = 0; n < Entries; n++)
        {
            producer.Produce(
                new TopicPartition(Topic, n % Partitions),
                new Message<byte[], byte[]>
                {
                    Key = Encoding.UTF8.GetBytes($"key-{n}"),
                    Value = [1],
                    Timestamp = time,
                }
            );
            if (n % 10_000 == 0)
                producer.Flush();
        }

        producer.Flush();
    }

    private static async Task FillAsync(string bootstrap, string group)
    {
        var fill = new StreamContestant("fill", _ => Child("count", bootstrap, group, "exactly_once_v2"));
        await fill.RunAsync(bootstrap, Topic, Partitions, Entries, warmUp: 1, group);
    }

    private static async Task<double> RestoreAsync(string bootstrap, string group, string settings)
    {
        using var process = Process.Start(Child("restore", bootstrap, group, settings))!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        try
        {
            while (await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(3)) is { } line)
            {
                if (line.Split(' ') is not ["restored", var seconds, _])
                    continue;
                System.Console.WriteLine($"  restore, settings of the {settings}: {seconds} s");
                return double.Parse(seconds, CultureInfo.InvariantCulture);
            }

            throw new InvalidOperationException($"The restore ended with {process.ExitCode}.");
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    private static ProcessStartInfo Child(string what, string bootstrap, string group, string more) =>
        new("dotnet")
        {
            ArgumentList =
            {
                "exec",
                typeof(RestoreBenchmark).Assembly.Location,
                "contestant",
                what,
                bootstrap,
                Topic,
                group,
                more,
            },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
