using System.Diagnostics;
using Confluent.Kafka;
using EventStream.Tests.Kit;
using YamlDotNet.RepresentationModel;

namespace EventStream.Integration.Tests.Deploy;

/// <summary>
/// The Kafka of docker-compose.yml, as its service formats and configures it, run by the Apache Kafka beside the
/// checkout on ports of this test.
/// </summary>
public sealed class ComposeKafkaTests : IDisposable
{
    private const string Password = "the-password-of-the-secret";
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-compose-kafka-");
    private readonly int clients = FreePort.Next();
    private readonly int controller = FreePort.Next();
    private readonly int inside = FreePort.Next();
    private Process? server;

    public void Dispose()
    {
        if (server is not null)
        {
            server.Kill();
            server.WaitForExit();
            server.Dispose();
        }

        folder.Delete(recursive: true);
    }

    [ApacheKafkaFact]
    public async Task It_lets_in_the_user_of_the_secret_and_nobody_else()
    {
        var service = Manifests.ComposeServices()["kafka"];
        var format = Path.Combine(folder.FullName, "format.properties");
        var script = Manifests.Text(((YamlSequenceNode)service["command"])[0])!;
        await File.WriteAllTextAsync(format, Here(script.Split("<<END\n")[1].Split("\nEND")[0]));
        var (exitCode, output) = await ApacheKafka.ToolAsync(
            TimeSpan.FromSeconds(120),
            null,
            "storage",
            "format",
            "--cluster-id",
            "4L6g3nShT-eMCtK--X86sw",
            "--config",
            format,
            "--add-scram",
            $"SCRAM-SHA-512=[name=eventstream,password={Password}]"
        );
        Assert.True(exitCode == 0, output);

        var properties = Path.Combine(folder.FullName, "server.properties");
        await File.WriteAllTextAsync(properties, Here(string.Join('\n', Properties(service))));
        Start(properties);

        await Wait.UntilAsync(
            "the user of the secret is let in",
            () => IsLetIn("eventstream", Password),
            TimeSpan.FromSeconds(120)
        );
        Assert.False(IsLetIn("eventstream", "another password"));
        Assert.False(IsLetIn("somebody", Password));
        Assert.False(IsLetIn(null, null));
    }

    /// <summary>Variables of the image as Kafka's properties: _ stands for a dot, __ for _, ___ for a hyphen.</summary>
    private static IEnumerable<string> Properties(IReadOnlyDictionary<string, YamlNode> service) =>
        ((YamlMappingNode)service["environment"])
            .Children.Select(pair => (Name: Manifests.Text(pair.Key)!, Value: Manifests.Text(pair.Value)!))
            .Where(pair => pair.Name.StartsWith("KAFKA_", StringComparison.Ordinal))
            .Select(pair =>
                (
                    pair.Value,
                    Name: pair.Name["KAFKA_".Length..]
                        .ToLowerInvariant()
                        .Replace("___", "-")
                        .Replace("__", "\u0001")
                        .Replace("_", ".")
                        .Replace("\u0001", "_")
                )
            )
            .Select(pair => $"{pair.Name}={pair.Value}");

    /// <summary>The text with ports and folders of this test, on loopback only.</summary>
    private string Here(string text) =>
        text.Replace("CLIENTS://:9092", "CLIENTS://127.0.0.1:9092")
            .Replace(":9092", $":{clients}")
            .Replace(":9093", $":{controller}")
            .Replace(":9094", $":{inside}")
            .Replace("/var/lib/kafka/data", Path.Combine(folder.FullName, "data"));

    private void Start(string properties)
    {
        var libraries = Path.Combine(Path.GetDirectoryName(ApacheKafka.Command)!, "libs", "*");
        server = Process.Start(
            new ProcessStartInfo("java")
            {
                ArgumentList = { "-Xmx384m", "-cp", libraries, "kafka.Kafka", properties },
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        EventStreamProcess.EndWithThisProcess(server.Id);
        server.OutputDataReceived += (_, _) => { };
        server.ErrorDataReceived += (_, _) => { };
        server.BeginOutputReadLine();
        server.BeginErrorReadLine();
    }

    private bool IsLetIn(string? user, string? password)
    {
        var config = new AdminClientConfig { BootstrapServers = $"127.0.0.1:{clients}" };
        if (user is not null)
        {
            config.SecurityProtocol = SecurityProtocol.SaslPlaintext;
            config.SaslMechanism = SaslMechanism.ScramSha512;
            config.SaslUsername = user;
            config.SaslPassword = password;
        }

        using var admin = new AdminClientBuilder(config).SetLogHandler((_, _) => { }).Build();
        try
        {
            return admin.GetMetadata(TimeSpan.FromSeconds(5)).Brokers.Count == 1;
        }
        catch (KafkaException)
        {
            return false;
        }
    }
}
