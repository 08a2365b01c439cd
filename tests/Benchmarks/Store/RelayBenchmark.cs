using System.Diagnostics;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Embedded.Broker;
using EventStream.EventStore;
using EventStream.EventStore.Relay;
using EventStream.Messaging.Kafka;
using Marten;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Benchmarks.Store;

/// <summary>
/// The relay from PostgreSQL to the platform's broker: how many events a second it carries from a backlog, beside an
/// idempotent producer that sends the same records, and how long after its commit an event is read from the topic at a
/// moderate load. A backlog is carried by a new process, whose way to the lead is part of the time.
/// </summary>
internal static class RelayBenchmark
{
    private const int Events = 20_000;
    private const int Streams = 500;
    private const int PerSecond = 200;
    private const int Samples = 2_000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly CancellationToken None = CancellationToken.None;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-bench-relay").FullName;
        await using var broker = await DevBroker.StartAsync(new BrokerOptions { DataFolder = folder }, None);
        var kafka = new KafkaOptions { Bootstrap = broker.Bootstrap };
        await using var postgres = await BenchPostgres.StartAsync();
        await using var bench = await StoreBench.OpenAsync(postgres.Options);
        await bench.FillAsync(Streams, Events / Streams);
        var turn = 0;
        var rates = await Measure.RatesAsync(
            Events,
            () => RelayAllAsync(postgres, bench, kafka, $"bench.{turn++}"),
            () => ProduceAsync(bench, kafka)
        );
        var delays = await DelaysAsync(postgres, kafka);
        Directory.Delete(folder, recursive: true);
        return
        [
            Figure.AgainstLimit("relay of a backlog, transactions of 500", "events/s", rates[0], rates[1], ""),
            Figure.AgainstLimit(
                $"relay, commit to topic at {PerSecond}/s, p50",
                "ms",
                Quantile(delays, 0.5),
                100,
                "<= 1"
            ),
            Figure.AgainstLimit(
                $"relay, commit to topic at {PerSecond}/s, p99",
                "ms",
                Quantile(delays, 0.99),
                100,
                "<= 1"
            ),
        ];
    }

    private static double Quantile(List<double> sorted, double q) => sorted[(int)((sorted.Count - 1) * q)];

    private static async Task RelayAllAsync(BenchPostgres postgres, StoreBench bench, KafkaOptions kafka, string name)
    {
        var topic = await TopicAsync(kafka, name);
        await bench.ExecuteAsync("delete from mt_event_progression where name <> 'HighWaterMark'");
        await using var relay = await StoreBench.OpenAsync(postgres.Options, kafka, topic);
        using var patience = new CancellationTokenSource(Patience);
        var newest = await relay.Status.NewestAsync(patience.Token);
        while (!(await relay.Status.ReadersAsync(patience.Token)).Any(reader => reader.Position >= newest))
            await Task.Delay(TimeSpan.FromMilliseconds(10), patience.Token);
    }

    private static async Task ProduceAsync(StoreBench bench, KafkaOptions kafka)
    {
        var topic = await TopicAsync(kafka, "bench.raw");
        using var producer = new ProducerBuilder<byte[], byte[]>(kafka.ProducerConfig("bench")).Build();
        for (var at = 0L; at < Events; at += MartenSettings.PageMax)
        {
            // What the relay must do besides is part of the limit: read the events and make records of them.
            await using var session = bench.Documents.QuerySession();
            var page = await session
                .Events.QueryAllRawEvents()
                .Where(e => e.Sequence > at)
                .OrderBy(e => e.Sequence)
                .Take(MartenSettings.PageMax)
                .ToListAsync();
            foreach (var e in page)
                producer.Produce(
                    topic.Name,
                    RelayRecords.Of(e, new RelayTarget(topic, $"{e.StreamId:D}"), "/bench", replay: false)
                );
            producer.Flush(Patience);
        }
    }

    private static async Task<List<double>> DelaysAsync(BenchPostgres postgres, KafkaOptions kafka)
    {
        var topic = await TopicAsync(kafka, "bench.delay");
        await using var store = await StoreBench.OpenAsync(postgres.Options with { Schema = "delay" }, kafka, topic);
        var committed = new System.Collections.Concurrent.ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        // A relay that has just taken over reads the end of the topic first: the measure begins with the second event.
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var reading = Task.Run(() => Read(kafka, topic, began));
        var streams = Enumerable.Range(0, 50).Select(_ => Guid.CreateVersion7()).ToArray();
        for (var i = 0; i <= Samples; i++)
        {
            var command = Guid.NewGuid();
            var started = Stopwatch.GetTimestamp();
            await store.Decider.DecideAsync(
                streams[i % streams.Length],
                _ => [Store.Samples.Event()],
                EventMetadata.None,
                None,
                command
            );
            committed[EventIds.Of(command, 0).ToString("D")] = Stopwatch.GetTimestamp();
            if (i == 0)
                await began.Task.WaitAsync(Patience);
            var rest = TimeSpan.FromSeconds(1.0 / PerSecond) - Stopwatch.GetElapsedTime(started);
            if (rest > TimeSpan.Zero)
                await Task.Delay(rest);
        }

        var read = await reading;
        return
        [
            .. read.Skip(1)
                .Select(pair => Stopwatch.GetElapsedTime(committed[pair.Id], pair.At).TotalMilliseconds)
                .Order(),
        ];
    }

    private static List<(string Id, long At)> Read(KafkaOptions kafka, Topic topic, TaskCompletionSource began)
    {
        var config = kafka.ConsumerConfig("bench", $"bench-{Guid.NewGuid()}");
        using var consumer = new ConsumerBuilder<byte[], byte[]>(config).Build();
        consumer.Assign(
            Enumerable.Range(0, topic.Partitions).Select(p => new TopicPartitionOffset(topic.Name, p, Offset.Beginning))
        );
        var read = new List<(string, long)>();
        using var patience = new CancellationTokenSource(Patience);
        while (read.Count <= Samples)
        {
            var record = consumer.Consume(patience.Token);
            began.TrySetResult();
            read.Add((CloudEvents.Text(record.Message.Headers, CloudEvents.Id)!, Stopwatch.GetTimestamp()));
        }

        return read;
    }

    private static async Task<Topic> TopicAsync(KafkaOptions kafka, string name)
    {
        var topic = Topics.VideoEvents with { Name = name };
        await new TopicAdmin(kafka, NullLogger<TopicAdmin>.Instance).EnsureAsync([topic], None);
        return topic;
    }
}
