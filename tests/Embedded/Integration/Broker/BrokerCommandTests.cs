using Confluent.Kafka;
using EventStream.Tests.Kit;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary><c>eventstream run broker</c>, as an operator runs it.</summary>
[Trait("Category", "Integration")]
public sealed class BrokerCommandTests
{
    [Fact]
    public async Task It_serves_the_port_and_the_folder_of_its_arguments_until_it_is_told_to_stop()
    {
        var folder = Directory.CreateTempSubdirectory("eventstream-command-").FullName;
        try
        {
            var port = FreePort.Next();
            foreach (var expected in (long[])[0, 1])
            {
                await using var broker = EventStreamProcess.Launch(
                    "broker",
                    ["--data", Path.Combine(folder, "data"), "--port", $"{port}"],
                    [("Broker:AutoCreateTopics", "true")]
                );
                await broker.UntilReadyAsync();
                Assert.Contains($"Kafka protocol at 127.0.0.1:{port}", broker.Output, StringComparison.Ordinal);
                using (var producer = Producer(port))
                {
                    var written = await producer.ProduceAsync("t", new Message<Null, string> { Value = "v" });
                    Assert.Equal(expected, written.Offset.Value);
                }

                Assert.Equal(0, await broker.StopAsync());
                // A clean stop leaves an index beside every segment, so that the next start need not walk them.
                var log = Directory.GetFiles(folder, "*.log", SearchOption.AllDirectories).Single();
                Assert.True(File.Exists(Path.ChangeExtension(log, ".index")), broker.OutputEnd);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task It_tells_everything_that_is_wrong_with_its_settings_at_once()
    {
        await using var broker = EventStreamProcess.Launch(
            "broker",
            ("Broker:Flush", "sometimes"),
            ("Broker:ConnectionsMax", "0"),
            ("Broker:Prot", "1")
        );
        await broker.UntilExitAsync();
        Assert.NotEqual(0, broker.ExitCode);
        Assert.Contains("no data folder", broker.Output, StringComparison.Ordinal);
        Assert.Contains("'sometimes' is not one of Process, Always", broker.Output, StringComparison.Ordinal);
        Assert.Contains("ConnectionsMax is 0", broker.Output, StringComparison.Ordinal);
        Assert.Contains("BROKER:PROT is no setting", broker.Output, StringComparison.OrdinalIgnoreCase);
    }

    private static IProducer<Null, string> Producer(int port) => new ProducerBuilder<Null, string>(
            new ProducerConfig
            {
                BootstrapServers = $"127.0.0.1:{port}",
                EnableIdempotence = true,
                MessageTimeoutMs = 30_000,
            }
        ).SetLogHandler((_, _) => { }).Build();
}
