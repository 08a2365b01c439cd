using System.Globalization;
using System.Text;
using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.Embedded.Broker;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Benchmarks;

/// <summary>
/// The typed producer and the typed consumer loop beside Kafka's bare client with the same settings: the same keys,
/// values and headers, on one broker. The bare producer writes the JSON and the headers of each message by hand, or has
/// their bytes ready; the bare consumer does not parse what it reads.
/// </summary>
internal static class MessagingBenchmark
{
    private const int Records = 250_000;

    /// <summary>The time of every record: the topic's retention deletes what is old.</summary>
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();
    private static readonly Topic Topic = Topics.PlaybackBeacons;
    private static readonly string[] Keys = [.. Enumerable.Range(0, 500).Select(i => $"session-{i:x8}")];
    private static readonly BeaconReceived[] Messages = [.. Keys.Select(Beacon)];
    private static int groups;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-bench").FullName;
        try
        {
            await using var broker = await DevBroker.StartAsync(
                new BrokerOptions { DataFolder = folder },
                CancellationToken.None
            );
            var kafka = new KafkaOptions { Bootstrap = broker.Bootstrap };
            await new TopicAdmin(kafka, NullLogger<TopicAdmin>.Instance).EnsureAsync([Topic], CancellationToken.None);
            using var typed = new EventProducer(kafka, new Role(), NullLogger<EventProducer>.Instance);
            using var bare = new BareProducer(kafka);
            var produce = await Measure.RatesAsync(
                Records,
                () => ProduceTypedAsync(typed),
                () => bare.ProduceAsync(ready: false),
                () => bare.ProduceAsync(ready: true),
                () => ProduceAwaitedAsync(typed)
            );
            var consume = await Measure.RatesAsync(
                Records,
                () => ConsumeTypedAsync(kafka, typed),
                () => ConsumeBareAsync(kafka)
            );
            return
            [
                Figure.AgainstPeer(
                    "typed produce, delivery handler",
                    "records/s",
                    produce[0],
                    produce[1],
                    "bare client, writing the same",
                    ">= 0.87"
                ),
                Figure.AgainstPeer(
                    "typed produce, delivery handler",
                    "records/s",
                    produce[0],
                    produce[2],
                    "bare client, bytes ready",
                    "none"
                ),
                Figure.AgainstPeer(
                    "typed produce, a task each",
                    "records/s",
                    produce[3],
                    produce[1],
                    "bare client, writing the same",
                    ">= 0.6"
                ),
                Figure.AgainstPeer(
                    "typed consumer loop",
                    "records/s",
                    consume[0],
                    consume[1],
                    "bare client, not parsed",
                    ">= 0.87"
                ),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task ProduceTypedAsync(EventProducer producer)
    {
        var left = Records;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Delivered(PublishException? failure)
        {
            if (failure is not null)
                done.TrySetException(failure);
            else if (Interlocked.Decrement(ref left) == 0)
                done.TrySetResult();
        }

        for (var i = 0; i < Records; i++)
        {
            var n = i % Keys.Length;
            await producer.SendAsync(Topic, Keys[n], Messages[n], Now, Delivered, CancellationToken.None);
        }

        await done.Task;
    }

    private static Task ProduceAwaitedAsync(EventProducer producer) =>
        Task.WhenAll(
            Enumerable
                .Range(0, Records)
                .Select(i =>
                    producer.PublishAsync(
                        Topic,
                        Keys[i % Keys.Length],
                        Messages[i % Keys.Length],
                        Now,
                        CancellationToken.None
                    )
                )
        );

    private static async Task ConsumeTypedAsync(KafkaOptions kafka, EventProducer producer)
    {
        var left = Records;
        var done = new TaskCompletionSource();
        using var consumer = new EventConsumer(
            new ConsumerOptions(NewGroup(), [Topic]) { FromBeginning = true },
            (message, _) =>
            {
                if (message.Message is BeaconReceived && Interlocked.Decrement(ref left) == 0)
                    done.TrySetResult();
                return Task.CompletedTask;
            },
            kafka,
            producer,
            new Role(),
            TimeProvider.System,
            NullLogger<EventConsumer>.Instance
        );
        await consumer.StartAsync(CancellationToken.None);
        await done.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await consumer.StopAsync(CancellationToken.None);
    }

    private static Task ConsumeBareAsync(KafkaOptions kafka) =>
        Task.Run(() =>
        {
            using var consumer = new ConsumerBuilder<byte[], byte[]>(kafka.ConsumerConfig("bench", NewGroup()))
                .SetLogHandler((_, _) => { })
                .Build();
            consumer.Assign(
                Enumerable
                    .Range(0, Topic.Partitions)
                    .Select(i => new TopicPartitionOffset(Topic.Name, i, Offset.Beginning))
            );
            for (var i = 0; i < Records; i++)
            {
                if (consumer.Consume(TimeSpan.FromSeconds(30)) is null)
                    throw new TimeoutException("The broker gave no record for 30 s.");
            }

            consumer.Close();
        });

    private static string NewGroup() => string.Create(CultureInfo.InvariantCulture, $"bench-{groups++}");

    private static BeaconReceived Beacon(string session) =>
        new()
        {
            SessionId = session,
            ContentId = "0197b7a2-5c1e-7000-8000-5f1c2e9f0a77",
            Version = 2,
            Event = "ps",
            Time = Now,
            ReceivedAt = Now,
            Sequence = 8,
            State = "p",
            BitrateKbps = 2000,
            ThroughputKbps = 43_100,
            BufferMs = 12_400,
            PlayheadMs = 30_500,
            Player = "hls.js",
            Region = "eu",
            Device = "desktop",
            Edge = "edge-a",
            Raw = """bl=(12400),br=(2000),cid="0197b7a2-5c1e-7000-8000-5f1c2e9f0a77",e=ps,mtp=(43100),sn=8,sta=p,v=2""",
        };

    /// <summary>What a careful user of the client writes: one handler, waiting when it is full.</summary>
    private sealed class BareProducer : IDisposable
    {
        private readonly IProducer<byte[], byte[]> producer;
        private readonly Message<byte[], byte[]>[] records;

        public BareProducer(KafkaOptions kafka)
        {
            var config = kafka.ProducerConfig("bench");
            config.DeliveryReportFields = "none";
            producer = new ProducerBuilder<byte[], byte[]>(config).SetLogHandler((_, _) => { }).Build();
            records = [.. Messages.Select(Record)];
        }

        private static Message<byte[], byte[]> Record(BeaconReceived message) =>
            new()
            {
                Key = Encoding.UTF8.GetBytes(message.SessionId),
                Value = MessageTypes.Write(message),
                Timestamp = new Timestamp(Now),
                Headers = CloudEvents.Headers(
                    "playback.beacon.v1",
                    "/eventstream/bench",
                    Guid.CreateVersion7(Now).ToString(),
                    Now,
                    null
                ),
            };

        public async Task ProduceAsync(bool ready)
        {
            var left = Records;
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            void Delivered(DeliveryReport<byte[], byte[]> report)
            {
                if (report.Error.IsError)
                    done.TrySetException(new KafkaException(report.Error));
                else if (Interlocked.Decrement(ref left) == 0)
                    done.TrySetResult();
            }

            for (var i = 0; i < Records; i++)
            {
                var n = i % records.Length;
                while (!TryProduce(ready ? records[n] : Record(Messages[n]), Delivered))
                    await Task.Delay(TimeSpan.FromMilliseconds(1));
            }

            await done.Task;
        }

        public void Dispose() => producer.Dispose();

        private bool TryProduce(Message<byte[], byte[]> record, Action<DeliveryReport<byte[], byte[]>> delivered)
        {
            try
            {
                producer.Produce(Topic.Name, record, delivered);
                return true;
            }
            catch (ProduceException<byte[], byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                return false;
            }
        }
    }

    private sealed class Role : IRole
    {
        public string Name => "bench";

        public string Summary => "measures";

        public void Configure(WebApplicationBuilder builder) { }

        public void Map(WebApplication app) { }
    }
}
