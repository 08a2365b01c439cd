using System.Text;
using Confluent.Kafka;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;

namespace EventStream.Cli.Supervisor;

/// <summary>
/// How the platform of a data folder reaches its Kafka: the broker that <c>up</c> starts takes one user with a
/// generated password by SCRAM; a Kafka that <c>--kafka</c> names takes what the operator's own settings say.
/// </summary>
internal sealed class KafkaAccess(DataFolder data, string bootstrap, bool ownBroker)
{
    /// <summary>The user of the platform's own broker.</summary>
    public const string User = "eventstream";

    /// <summary>Bootstrap address of the broker in use.</summary>
    public string Bootstrap => bootstrap;

    /// <summary>That of a platform which is started with <paramref name="options"/>.</summary>
    public static KafkaAccess Of(PlatformOptions options) =>
        new(new DataFolder(options.DataFolder), options.Kafka ?? OwnAddress(options.BasePort), options.Kafka is null);

    /// <summary>That of a platform which runs.</summary>
    public static KafkaAccess Of(DataFolder data, RunFile run) =>
        new(data, run.Kafka, run.Kafka == OwnAddress(run.BasePort));

    /// <summary>The settings of every client of the platform, as <c>Section:Key</c>.</summary>
    public Dictionary<string, string?> ClientSettings() =>
        !ownBroker
            ? new() { ["Kafka:Bootstrap"] = bootstrap }
            : new()
            {
                ["Kafka:Bootstrap"] = bootstrap,
                ["Kafka:SecurityProtocol"] = nameof(SecurityProtocol.SaslPlaintext),
                ["Kafka:SaslMechanism"] = nameof(SaslMechanism.ScramSha512),
                ["Kafka:SaslUsername"] = User,
                ["Kafka:SaslPasswordFile"] = data.SecretFile(DataFolder.KafkaPassword),
                // The operator's environment may name another Kafka.
                ["Kafka:SaslPassword"] = "",
            };

    /// <summary>The settings of the platform's own broker.</summary>
    public IEnumerable<(string Key, string Value)> BrokerSettings() =>
        [
            ("Broker:Security:Protocol", "SASL_PLAINTEXT"),
            ("Broker:Security:UsersFile", data.SecretFile(DataFolder.KafkaUsers)),
        ];

    /// <summary>
    /// Writes what the broker and people need: the user of the own broker, and
    /// <see cref="DataFolder.KafkaClientFile"/>. <paramref name="configuration"/> is the operator's. Throws
    /// <see cref="RoleConfigurationException"/> when its section <c>Kafka</c> is wrong.
    /// </summary>
    public void Write(IConfiguration configuration)
    {
        if (ownBroker)
        {
            data.WriteFile(data.SecretFile(DataFolder.KafkaUsers), $"{User}:{data.Secret(DataFolder.KafkaPassword)}\n");
        }

        var own = ClientSettings();
        var options = RoleOptions.Read(
            "up",
            new ConfigurationBuilder().AddConfiguration(configuration).AddInMemoryCollection(own).Build(),
            KafkaOptions.Read
        );
        data.WriteFile(data.KafkaClientFile, ClientProperties(options));
    }

    /// <summary>
    /// The properties of a client that Kafka's own tools and librdkafka both take. Java's clients read the credentials
    /// from <c>sasl.jaas.config</c> alone, and librdkafka refuses that property: it is behind a carriage return,
    /// which ends a line for Java and not for kcat, to which the whole line is a comment.
    /// </summary>
    internal static string ClientProperties(KafkaOptions options)
    {
        var text = new StringBuilder("# A Kafka client of this platform: kafka-topics --command-config, kcat -F.\n");
        text.Append($"bootstrap.servers={options.Bootstrap}\n");
        text.Append($"security.protocol={Protocol(options.SecurityProtocol)}\n");
        if (options.SaslMechanism is not { } mechanism)
            return text.ToString();
        text.Append($"sasl.mechanism={Mechanism(mechanism)}\n");
        if (string.IsNullOrEmpty(options.SaslUsername) || string.IsNullOrEmpty(options.SaslPassword))
            return text.ToString();
        text.Append($"sasl.username={options.SaslUsername}\nsasl.password={options.SaslPassword}\n");
        var module = mechanism == SaslMechanism.Plain ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
        text.Append("# The next property is Java's alone; it is on a line of its own only for Java.\r");
        text.Append(
            $"sasl.jaas.config=org.apache.kafka.common.security.{module} required "
                + $"username=\"{Escaped(options.SaslUsername)}\" password=\"{Escaped(options.SaslPassword)}\";\n"
        );
        return text.ToString();
    }

    private static string OwnAddress(int basePort) => $"127.0.0.1:{new PortPlan(basePort).Kafka}";

    private static string Mechanism(SaslMechanism mechanism) =>
        mechanism switch
        {
            SaslMechanism.ScramSha256 => "SCRAM-SHA-256",
            SaslMechanism.ScramSha512 => "SCRAM-SHA-512",
            _ => mechanism.ToString().ToUpperInvariant(),
        };

    private static string Protocol(SecurityProtocol protocol) =>
        protocol switch
        {
            SecurityProtocol.SaslPlaintext => "SASL_PLAINTEXT",
            SecurityProtocol.SaslSsl => "SASL_SSL",
            _ => protocol.ToString().ToUpperInvariant(),
        };

    /// <summary>Within quotes of JAAS, and within the value of a Java property.</summary>
    private static string Escaped(string text) =>
        text.Replace("\\", "\\\\\\\\", StringComparison.Ordinal).Replace("\"", "\\\\\"", StringComparison.Ordinal);
}
