using System.Globalization;
using Confluent.Kafka;
using EventStream.Embedded.Broker.Apis;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>
/// Apache Kafka's own tools against the broker. Each starts a Java machine, so that every test runs as few as it can,
/// and side by side what does not depend on one another.
/// </summary>
[Trait("Category", "Integration")]
public sealed class KafkaToolTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    /// <summary>More of them at once only take the processors from one another.</summary>
    private static readonly SemaphoreSlim Running = new(2);

    private readonly string _name = $"tool-{Guid.NewGuid():N}";

    [ApacheKafkaFact]
    public async Task Topics_are_made_grown_configured_described_and_deleted()
    {
        await Tool("topics", "--create", "--topic", _name, "--partitions", "2", "--config", "retention.ms=-1");
        await Tool("topics", "--alter", "--topic", _name, "--partitions", "5");
        await Tool(
            "configs",
            "--alter",
            "--entity-type",
            "topics",
            "--entity-name",
            _name,
            "--add-config",
            "max.message.bytes=2000000",
            "--delete-config",
            "retention.ms"
        );
        var outputs = await Task.WhenAll(
            Tool("topics", "--describe", "--topic", _name),
            Tool("configs", "--describe", "--entity-type", "topics", "--entity-name", _name),
            Tool("configs", "--describe", "--all", "--entity-type", "topics", "--entity-name", _name),
            Tool("configs", "--describe", "--all", "--entity-type", "brokers", "--entity-name", "1")
        );
        Assert.Contains("PartitionCount: 5", outputs[0], StringComparison.Ordinal);
        Assert.Contains("Partition: 4\tLeader: 1", outputs[0], StringComparison.Ordinal);
        Assert.Contains("max.message.bytes=2000000", outputs[1], StringComparison.Ordinal);
        Assert.DoesNotContain("retention.ms", outputs[1], StringComparison.Ordinal);
        Assert.Contains("retention.ms=604800000", outputs[2], StringComparison.Ordinal);
        Assert.Contains("max.connections=1024", outputs[3], StringComparison.Ordinal);
        await Tool("topics", "--delete", "--topic", _name);
        Assert.DoesNotContain(_name, await Tool("topics", "--list"), StringComparison.Ordinal);
    }

    [ApacheKafkaFact]
    public async Task Groups_are_listed_described_reset_and_deleted()
    {
        await ProduceAsync(_name, partitions: 1, 100);
        var read = await Tool(
            "console-consumer",
            "--topic",
            _name,
            "--group",
            _name,
            "--from-beginning",
            "--max-messages",
            "100"
        );
        Assert.Contains("\n98\n99\n", read, StringComparison.Ordinal);
        Assert.Contains("Processed a total of 100 messages", read, StringComparison.Ordinal);
        var outputs = await Task.WhenAll(
            Tool("groups", "--list"),
            Groups("--list", "--state"),
            Groups("--describe", "--group", _name),
            Groups("--describe", "--group", _name, "--state"),
            Groups("--describe", "--group", _name, "--members", "--verbose")
        );
        Assert.Matches($"{_name} +Classic +consumer", outputs[0]);
        Assert.Matches($"{_name} +Empty", outputs[1]);
        Assert.Matches($"{_name} +{_name} +0 +100 +100 +0 ", outputs[2]);
        Assert.Matches($"{_name} +127.0.0.1:{broker.Port} .*Empty", outputs[3]);
        Assert.Contains("no active members", outputs[4], StringComparison.Ordinal);
        string[] reset = ["--group", _name, "--topic", _name, "--execute", "--reset-offsets"];
        Assert.Matches($"{_name} +0 +0", await Groups([.. reset, "--to-earliest"]));
        Assert.Matches($"{_name} +0 +7", await Groups([.. reset, "--shift-by", "7"]));
        Assert.Matches($"{_name} +0 +59", await Groups([.. reset, "--to-datetime", "1970-01-01T00:01:00.000"]));
        Assert.Contains("successful", await Groups("--delete", "--group", _name), StringComparison.Ordinal);
    }

    [ApacheKafkaFact]
    public async Task A_group_with_a_member_is_described()
    {
        await ProduceAsync(_name, partitions: 1, 5);
        using var consumer = Clients.Consumer(broker, _name, c => c.ClientId = "member-of-tests");
        consumer.Subscribe(_name);
        consumer.Commit(consumer.Consume(Clients.Patience));
        using var stop = new CancellationTokenSource();
        var polling = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
                consumer.Consume(100);
        });
        var output = await Groups("--describe", "--group", _name, "--members", "--verbose");
        await stop.CancelAsync();
        await polling;
        Assert.Matches($"member-of-tests +1 .*{_name}:0", output);
    }

    [ApacheKafkaFact]
    public async Task A_consumer_that_wants_the_newer_group_protocol_is_told_to_use_the_classic_one()
    {
        await ProduceAsync(_name, partitions: 1, 1);
        var (_, output) = await ApacheKafka.ToolAsync(
            Limit,
            null,
            "console-consumer",
            "--bootstrap-server",
            broker.Bootstrap,
            "--topic",
            _name,
            "--command-property",
            "group.protocol=consumer",
            "--timeout-ms",
            "100000"
        );
        Assert.Contains("Set group.protocol=classic", output, StringComparison.Ordinal);
    }

    [ApacheKafkaFact]
    public async Task The_performance_tools_run_also_in_transactions()
    {
        var input = string.Concat(Enumerable.Range(0, 50).Select(i => $"k{i}:line {i}\n"));
        await RunAsync(
            input,
            "console-producer",
            "--bootstrap-server",
            broker.Bootstrap,
            "--topic",
            _name + "-lines",
            "--reader-property",
            "parse.key=true",
            "--reader-property",
            "key.separator=:"
        );
        Assert.Equal("line 49", Clients.ReadAll(broker, _name + "-lines", 50)[49].Message.Value);
        var perf = new[] { "--topic", _name, "--record-size", "600", "--throughput", "-1", "--producer-props" };
        var outputs = await Task.WhenAll(
            Tool("producer-perf", [.. perf, "bootstrap.servers=" + broker.Bootstrap, "--num-records", "10000"]),
            Tool(
                "producer-perf",
                [
                    .. perf,
                    "bootstrap.servers=" + broker.Bootstrap,
                    "--num-records",
                    "5000",
                    "--transactional-id",
                    _name,
                    "--transaction-duration-ms",
                    "100",
                ]
            )
        );
        Assert.Contains("10000 records sent", outputs[0], StringComparison.Ordinal);
        Assert.Contains("5000 records sent", outputs[1], StringComparison.Ordinal);
        outputs = await Task.WhenAll(
            Tool("consumer-perf", "--topic", _name, "--num-records", "15000", "--timeout", "60000"),
            Tool(
                "e2e-latency",
                "--topic",
                _name + "-e2e",
                "--num-records",
                "50",
                "--producer-acks",
                "all",
                "--record-size",
                "100"
            )
        );
        var consumed = outputs[0].Split('\n').Last(l => l.StartsWith("20", StringComparison.Ordinal)).Split(", ");
        Assert.Equal(15_000, int.Parse(consumed[4], CultureInfo.InvariantCulture));
        Assert.Contains("Percentiles", outputs[1], StringComparison.Ordinal);
    }

    [ApacheKafkaFact]
    public async Task Offsets_and_segments_are_looked_into_and_records_deleted()
    {
        await ProduceAsync(_name, partitions: 1, 100);
        var file = Path.Combine(broker.Folder, "delete.json");
        await File.WriteAllTextAsync(
            file,
            $$$"""{"version": 1, "partitions": [{"topic": "{{{_name}}}", "partition": 0, "offset": 40}]}"""
        );
        var segment = Directory
            .GetFiles(broker.Folder, "00000000000000000000.log", SearchOption.AllDirectories)
            .Single(f => f.Contains(_name + "-0", StringComparison.Ordinal));
        var outputs = await Task.WhenAll(
            Offsets("latest"),
            Offsets("max-timestamp"),
            Offsets("50000"),
            DumpLogAsync(segment)
        );
        Assert.Contains($"{_name}:0:100\n", outputs[0], StringComparison.Ordinal);
        Assert.Contains($"{_name}:0:99\n", outputs[1], StringComparison.Ordinal);
        Assert.Contains($"{_name}:0:49\n", outputs[2], StringComparison.Ordinal);
        Assert.Contains("| offset: 99 ", outputs[3], StringComparison.Ordinal);
        Assert.DoesNotContain("Found non-consecutive", outputs[3], StringComparison.Ordinal);
        Assert.Contains("low_watermark: 40", await Tool("delete-records", "--offset-json-file", file));
        Assert.Contains($"{_name}:0:40\n", await Offsets("earliest"), StringComparison.Ordinal);
    }

    [ApacheKafkaFact]
    public async Task The_versions_on_offer_are_those_that_the_newest_client_wants()
    {
        var settings = Path.Combine(broker.Folder, "client.properties");
        await File.WriteAllTextAsync(settings, "request.timeout.ms=60000\n");
        var versions = await Tool("broker-api-versions", "--command-config", settings);
        foreach (var api in ApiTable.Entries)
        {
            var range = api.AdvertisedMin == api.Max ? $"{api.Max}" : $"{api.AdvertisedMin} to {api.Max}";
            Assert.Contains($"({(int)api.Key}): {range} [usable: {api.Max}]", versions, StringComparison.Ordinal);
        }
    }

    [ApacheKafkaFact]
    public async Task The_verifiable_clients_and_the_transactional_copier_lose_and_double_nothing()
    {
        var produced = await Tool("verifiable-producer", "--topic", _name, "--max-messages", "300");
        Assert.Equal(300, produced.Split("producer_send_success").Length - 1);
        var outputs = await Task.WhenAll(
            Tool("verifiable-consumer", "--topic", _name, "--group-id", _name, "--max-messages", "300"),
            RunAsync(
                null,
                "transactional-copier",
                "--broker-list",
                broker.Bootstrap,
                "--input-topic",
                _name,
                "--output-topic",
                _name + "-copy",
                "--input-partition",
                "0",
                "--transactional-id",
                _name,
                "--consumer-group",
                _name + "-copier",
                "--max-messages",
                "300",
                "--transaction-size",
                "40",
                "--enable-random-aborts"
            )
        );
        Assert.Contains("\"count\":300", outputs[0], StringComparison.Ordinal);
        Assert.Contains("ShutdownComplete", outputs[1], StringComparison.Ordinal);
        var copied = Clients.ReadAll(broker, _name + "-copy", 300).Select(r => r.Message.Value).Order();
        var source = Clients.ReadAll(broker, _name, 300).Select(r => r.Message.Value).Order();
        Assert.Equal(source, copied);
    }

    private Task<string> Tool(string name, params string[] arguments) =>
        RunAsync(
            null,
            name == "producer-perf"
                ? [name, .. arguments]
                : [name, "--bootstrap-server", broker.Bootstrap, .. arguments]
        );

    private Task<string> Groups(params string[] arguments) => Tool("consumer-groups", arguments);

    private Task<string> Offsets(string time) => Tool("get-offsets", "--topic", _name, "--time", time);

    private static async Task<string> RunAsync(string? input, params string[] arguments)
    {
        await Running.WaitAsync();
        try
        {
            var (exitCode, output) = await ApacheKafka.ToolAsync(Limit, input, arguments);
            Assert.True(exitCode == 0, $"{string.Join(' ', arguments)}\n{output}");
            return output;
        }
        finally
        {
            Running.Release();
        }
    }

    private static async Task<string> DumpLogAsync(string segment)
    {
        var libraries = Path.Combine(Path.GetDirectoryName(ApacheKafka.Command)!, "libs", "*");
        var (exitCode, output, errors) = await Command.RunAsync(
            Limit,
            "java",
            [
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                libraries,
                "org.apache.kafka.tools.DumpLogSegments",
                "--files",
                segment,
                "--print-data-log",
                "--deep-iteration",
            ]
        );
        Assert.True(exitCode == 0, output + errors);
        return output;
    }

    /// <summary>Records whose values are their numbers from 0, and whose times are seconds after 1970 from 1.</summary>
    private async Task ProduceAsync(string topic, int partitions, int records)
    {
        using var admin = Clients.Admin(broker);
        await admin.CreateTopicsAsync([
            new()
            {
                Name = topic,
                NumPartitions = partitions,
                Configs = new() { ["retention.ms"] = "-1" },
            },
        ]);
        using var producer = Clients.Producer(broker);
        for (var i = 0; i < records; i++)
        {
            producer.Produce(
                topic,
                new Message<string, string>
                {
                    Key = $"{i}",
                    Value = $"{i}",
                    Timestamp = new Timestamp(1000L * (i + 1), TimestampType.CreateTime),
                }
            );
        }
        producer.Flush(Clients.Patience);
    }
}
