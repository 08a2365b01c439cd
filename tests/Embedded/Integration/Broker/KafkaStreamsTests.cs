using System.Diagnostics;
using Confluent.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>Kafka Streams on the broker, with the word count that comes with it.</summary>
[Trait("Category", "Integration")]
public sealed class KafkaStreamsTests(TestBroker broker) : IClassFixture<TestBroker>, IDisposable
{
    private const string Input = "streams-plaintext-input";
    private const string Output = "streams-wordcount-output";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);
    private readonly string _folder = Directory.CreateTempSubdirectory("eventstream-words-").FullName;

    [ApacheKafkaFact]
    public async Task Words_are_counted_exactly_once_although_the_process_is_killed()
    {
        using (var admin = Clients.Admin(broker))
        {
            await admin.CreateTopicsAsync([new() { Name = Input, NumPartitions = 2 }, new() { Name = Output }]);
        }
        var settings = Path.Combine(_folder, "settings");
        await File.WriteAllTextAsync(
            settings,
            $"""
            bootstrap.servers={broker.Bootstrap}
            processing.guarantee=exactly_once_v2
            state.dir={_folder}
            commit.interval.ms=100
            consumer.session.timeout.ms=6000
            consumer.heartbeat.interval.ms=1000
            """
        );
        using var consumer = new ConsumerBuilder<string, long>(
            new ConsumerConfig
            {
                BootstrapServers = broker.Bootstrap,
                GroupId = "reader",
                IsolationLevel = IsolationLevel.ReadCommitted,
            }
        ).SetLogHandler((_, _) => { }).Build();
        var counts = new Counts(consumer);
        using (var first = Start(settings))
        {
            await WriteAsync(lines: 40);
            counts.Await("alpha", 80);
            await WriteAsync(lines: 40);
            first.Kill(entireProcessTree: true);
            await first.WaitForExitAsync();
        }
        using (var second = Start(settings))
        {
            await WriteAsync(lines: 20);
            counts.Await("alpha", 200);
            counts.Await("beta", 100);
            second.Kill(entireProcessTree: true);
            await second.WaitForExitAsync();
        }
        var (exitCode, reset) = await ApacheKafka.ToolAsync(
            Limit,
            null,
            "streams-reset",
            "--bootstrap-server",
            broker.Bootstrap,
            "--application-id",
            "streams-wordcount",
            "--input-topics",
            Input,
            "--force"
        );
        Assert.True(exitCode == 0, reset);
        Assert.Contains("repartition", reset, StringComparison.Ordinal);
        Assert.DoesNotContain(
            Clients.Admin(broker).GetMetadata(Clients.Patience).Topics,
            t => t.Topic.EndsWith("changelog", StringComparison.Ordinal)
        );
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Process Start(string settings)
    {
        var start = new ProcessStartInfo(
            "sh",
            ["-c", "exec \"$0\" tool streams-word-count \"$1\" >\"$1.log\" 2>&1", ApacheKafka.Command, settings]
        );
        start.Environment["KAFKA_TOOL_OPTS"] = "-Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1";
        return Process.Start(start)!;
    }

    private async Task WriteAsync(int lines)
    {
        using var producer = Clients.Producer(broker);
        for (var i = 0; i < lines; i++)
        {
            var line = new Message<string, string> { Key = $"{i}", Value = "Alpha beta alpha" };
            await producer.ProduceAsync(Input, line);
        }
    }

    /// <summary>
    /// The counts as they are committed; one that is higher than what was written is seen as it passes.
    /// </summary>
    private sealed class Counts
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
        private readonly IConsumer<string, long> _consumer;
        private readonly Dictionary<string, long> _latest = [];

        public Counts(IConsumer<string, long> consumer)
        {
            _consumer = consumer;
            consumer.Assign(new TopicPartitionOffset(Output, 0, Offset.Beginning));
        }

        public void Await(string word, long count)
        {
            for (var clock = Stopwatch.StartNew(); _latest.GetValueOrDefault(word) != count; )
            {
                Assert.True(
                    clock.Elapsed < Patience && _latest.GetValueOrDefault(word) <= count,
                    $"{word} is at {_latest.GetValueOrDefault(word)} instead of {count}"
                );
                if (_consumer.Consume(100) is { } record)
                {
                    _latest[record.Message.Key] = record.Message.Value;
                }
            }
        }
    }
}
