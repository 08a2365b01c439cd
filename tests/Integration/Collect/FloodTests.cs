using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Integration.Tests.Qoe;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Collect;

/// <summary>
/// Junk on many connections, from the address of the honest viewers: what is behind the collector keeps its memory, the
/// honest reports are all stored, and the rest is answered 429.
/// </summary>
public sealed class FloodTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private const int Connections = 8;
    private const int Viewers = 20;
    private const long StoredJunkMax = 8 * 1024 * 1024;
    private static readonly TimeSpan JunkTime = TimeSpan.FromSeconds(8);

    [Fact]
    public async Task A_flood_of_junk_costs_no_honest_report_and_little_memory()
    {
        var settings = FastQoe.Settings("flood");
        await using var collect = await EventStreamProcess.StartAsync(
            "collect",
            ("Kafka:Bootstrap", broker.Bootstrap),
            ("Playback:SigningKey", CollectRig.SigningKey)
        );
        await using var qoe = await EventStreamProcess.StartAsync(
            "qoe",
            [("Kafka:Bootstrap", broker.Bootstrap), .. settings.Select(pair => (pair.Key, pair.Value!))]
        );
        using var stop = new CancellationTokenSource();
        var sent = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        var viewers = Enumerable
            .Range(0, Viewers)
            .Select(_ => WatchAsync(collect.Url, Guid.NewGuid().ToString(), sent, stop.Token))
            .ToList();
        await Wait.UntilAsync(
            "the viewers report",
            () => sent.Count == Viewers && sent.Values.All(count => count >= 5)
        );
        var before = Memory(qoe) + Memory(collect);
        var disk = Disk();

        var answers = new ConcurrentDictionary<HttpStatusCode, int>();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(i => JunkAsync(collect.Url, i, answers)));

        var (after, written) = (Memory(qoe) + Memory(collect), Disk() - disk);
        await stop.CancelAsync();
        await Task.WhenAll(viewers);
        Assert.True(after < before * 1.5, $"Memory went from {before} to {after} bytes.");
        Assert.True(written < StoredJunkMax, $"{written} bytes were stored.");
        var taken = answers.GetValueOrDefault(HttpStatusCode.NoContent);
        var refused = answers.GetValueOrDefault(HttpStatusCode.TooManyRequests);
        Assert.True(refused > taken && answers.Keys.All(code => (int)code < 500), string.Join(", ", answers));
        await AllStoredAsync(sent);
        await Wait.UntilAsync(
            "qoe has read everything",
            () => Lag(settings["Qoe:ApplicationId"]!) == 0,
            TimeSpan.FromSeconds(60)
        );
    }

    /// <summary>A viewer with a session of its own; each report must be taken.</summary>
    private static async Task WatchAsync(
        string url,
        string session,
        ConcurrentDictionary<string, int> sent,
        CancellationToken stop
    )
    {
        using var http = new HttpClient();
        var path = CollectRig.BeaconsPath(session, "video");
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            using var body = new StringContent(
                CollectRig.Beacon(session, number, more: ",br=(2400),cid=\"video\""),
                Encoding.UTF8,
                "application/cmcd"
            );
            using var answer = await http.PostAsync(url + path, body, CancellationToken.None);
            Assert.True(answer.StatusCode == HttpStatusCode.NoContent, await answer.Content.ReadAsStringAsync(stop));
            sent[session] = number + 1;
            await Task.Delay(300, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Bodies full of records, each of a session, video, edge, region and player of its own.</summary>
    private static async Task JunkAsync(string url, int seed, ConcurrentDictionary<HttpStatusCode, int> answers)
    {
        using var http = new HttpClient();
        var random = new Random(seed);
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < JunkTime)
        {
            var lines = Enumerable
                .Range(0, 500)
                .Select(_ =>
                    CollectRig.Beacon(
                        $"{random.NextInt64():x}",
                        1,
                        more: $",cid=\"{random.NextInt64():x}\",h=\"{random.NextInt64():x}\",br=({random.Next()})"
                    )
                );
            using var body = new StringContent(string.Join('\n', lines), Encoding.UTF8, "application/cmcd");
            using var answer = await http.PostAsync(
                $"{url}/v1/cmcd?video={random.NextInt64():x}&region={random.Next():x}&player={random.Next():x}",
                body
            );
            answers.AddOrUpdate(answer.StatusCode, 1, (_, count) => count + 1);
        }
    }

    private async Task AllStoredAsync(ConcurrentDictionary<string, int> sent)
    {
        var stored = await Task.Run(Proven);
        Assert.All(sent, viewer => Assert.Equal(viewer.Value, stored.GetValueOrDefault(viewer.Key)));
        Assert.Equal(sent.Count, stored.Count);
    }

    /// <summary>Proven reports by session, read to the present end of the topic.</summary>
    private Dictionary<string, int> Proven()
    {
        var config = new KafkaOptions { Bootstrap = broker.Bootstrap }.ConsumerConfig("look", $"{Guid.NewGuid()}");
        config.EnablePartitionEof = true;
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).SetLogHandler((_, _) => { }).Build();
        var topic = Topics.PlaybackBeacons;
        consumer.Assign(
            Enumerable
                .Range(0, topic.Partitions)
                .Select(partition => new TopicPartitionOffset(topic.Name, partition, Offset.Beginning))
        );
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (var open = topic.Partitions; open > 0; )
        {
            var read = consumer.Consume(patience.Token);
            if (read.IsPartitionEOF)
                open--;
            else if (
                MessageTypes.Read(read.Message.Headers.GetLastBytes(CloudEvents.Type), read.Message.Value)
                is BeaconReceived { Proven: true } beacon
            )
                found[beacon.SessionId] = found.GetValueOrDefault(beacon.SessionId) + 1;
        }

        return found;
    }

    /// <summary>Beacons that a group has not committed.</summary>
    private long Lag(string group)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(
            new KafkaOptions { Bootstrap = broker.Bootstrap }.ConsumerConfig("look", group)
        )
            .SetLogHandler((_, _) => { })
            .Build();
        var partitions = Enumerable
            .Range(0, Topics.PlaybackBeacons.Partitions)
            .Select(partition => new TopicPartition(Topics.PlaybackBeacons.Name, partition))
            .ToList();
        return consumer
            .Committed(partitions, TimeSpan.FromSeconds(10))
            .Sum(committed =>
            {
                var end = consumer.QueryWatermarkOffsets(committed.TopicPartition, TimeSpan.FromSeconds(10)).High.Value;
                return end - Math.Max(0, committed.Offset.Value);
            });
    }

    private static long Memory(EventStreamProcess role)
    {
        var line = File.ReadLines($"/proc/{role.Id}/status")
            .Single(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024
            * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    private long Disk() =>
        new DirectoryInfo(broker.Folder).EnumerateFiles("*.log", SearchOption.AllDirectories).Sum(file => file.Length);
}
