using System.Text.Json;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>Clients of other languages, as their makers publish them, against the broker.</summary>
[Trait("Category", "Integration")]
public sealed class StockClientTests(TestBroker broker) : IClassFixture<TestBroker>
{
    [Fact]
    public async Task KafkaJS_administers_exchanges_transacts_and_rebalances()
    {
        var done = await StockClients.KafkaJsAsync(broker.Bootstrap);
        Assert.Equal(
            [
                "topics",
                "partitions",
                "configs",
                "produce",
                "consume",
                "times",
                "offsets",
                "administer groups and records",
                "transactions",
                "rebalance",
                "delete",
            ],
            done
        );
    }

    [Fact]
    public async Task Kafka_python_administers_exchanges_and_rebalances()
    {
        var done = await StockClients.KafkaPythonAsync(broker.Bootstrap);
        // Which codecs it has depends on what is installed beside it.
        Assert.Equal(
            [
                "topics",
                "partitions",
                "configs",
                "produce None",
                "produce gzip",
                "too large",
                "consume",
                "times",
                "offsets and groups",
                "rebalance",
                "delete",
            ],
            done.Where(d => d is not ("produce snappy" or "produce lz4" or "produce zstd"))
        );
    }

    [Fact]
    public async Task Kcat_exchanges_records_of_every_codec_with_keys_and_headers()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1, ("retention.ms", "-1"));
        string[] codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
        foreach (var codec in codecs)
        {
            var lines = string.Concat(Enumerable.Range(0, 20).Select(i => $"key{i}:{codec} {i}\n"));
            await Kcat(lines, "-P", "-t", topic, "-K", ":", "-z", codec, "-H", $"codec={codec}");
        }
        var output = await Kcat(null, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%o %k %h %s\\n");
        var expected = codecs.SelectMany(
            (codec, c) => Enumerable.Range(0, 20).Select(i => $"{(c * 20) + i} key{i} codec={codec} {codec} {i}")
        );
        Assert.Equal(expected, output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Kcat_commits_a_transaction_queries_times_consumes_in_a_group_and_lists_the_cluster()
    {
        var topic = await Clients.CreateTopicAsync(broker, partitions: 1, ("retention.ms", "-1"));
        await Kcat("one\ntwo\n", "-P", "-t", topic, "-X", $"transactional.id={topic}");
        var read = await Kcat(
            null,
            "-C",
            "-t",
            topic,
            "-o",
            "beginning",
            "-e",
            "-q",
            "-X",
            "isolation.level=read_committed"
        );
        Assert.Equal("one\ntwo\n", read);
        Assert.Contains("offset 0", await Kcat(null, "-Q", "-t", $"{topic}:0:1000"), StringComparison.Ordinal);
        var grouped = await Kcat(null, "-c", "2", "-q", "-X", "auto.offset.reset=earliest", "-G", topic, topic);
        Assert.Equal("one\ntwo\n", grouped);
        using var listed = JsonDocument.Parse(await Kcat(null, "-L", "-J", "-t", topic));
        Assert.Equal(1, listed.RootElement.GetProperty("topics")[0].GetProperty("partitions").GetArrayLength());
    }

    private Task<string> Kcat(string? input, params string[] arguments) =>
        StockClients.KcatAsync(broker.Bootstrap, input, arguments);
}
