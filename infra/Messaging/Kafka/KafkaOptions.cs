using Confluent.Kafka;
using Microsoft.Extensions.Configuration;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// How to reach Kafka: the platform's own broker or an Apache Kafka; nothing else depends on which of the two it is.
/// </summary>
public sealed record KafkaOptions
{
    /// <summary>The value of <see cref="ReplicationFactor"/> that leaves it to the cluster.</summary>
    public const short ClusterDefault = -1;

    /// <summary><c>Kafka:Bootstrap</c>: host:port, or several separated by commas.</summary>
    public string Bootstrap { get; init; } = "127.0.0.1:9092";

    /// <summary>
    /// <c>Kafka:ReplicationFactor</c> of topics that are created. Unless it is set, or set to -1, the cluster's own
    /// default counts (<c>default.replication.factor</c>, KIP-464).
    /// </summary>
    public short ReplicationFactor { get; init; } = ClusterDefault;

    /// <summary><c>Kafka:SecurityProtocol</c>, for example Ssl; Plaintext by default.</summary>
    public SecurityProtocol SecurityProtocol { get; init; } = SecurityProtocol.Plaintext;

    /// <summary>
    /// <c>Kafka:SslCaFile</c>: the authority that signed the brokers' certificates, as PEM; the system's where none is
    /// named.
    /// </summary>
    public string? SslCaFile { get; init; }

    /// <summary>
    /// <c>Kafka:SaslMechanism</c>, for example ScramSha512, with <c>Kafka:SaslUsername</c> and a password, where the
    /// broker asks for them.
    /// </summary>
    public SaslMechanism? SaslMechanism { get; init; }

    public string? SaslUsername { get; init; }

    /// <summary><c>Kafka:SaslPassword</c>; a file is better, as settings are easily shown.</summary>
    public string? SaslPassword { get; init; }

    /// <summary><c>Kafka:SaslPasswordFile</c>: the file whose first line is the password, read at the start.</summary>
    public string? SaslPasswordFile { get; init; }

    /// <summary>Time within which a record is acknowledged or its publication fails.</summary>
    public TimeSpan DeliveryTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Records handed to the producer and not yet acknowledged; more make the caller wait.</summary>
    public int InFlightMax { get; init; } = 10_000;

    /// <summary>
    /// Bytes of keys, values and headers handed to the producer and not yet acknowledged; more make the caller wait.
    /// A single record that is larger goes alone.
    /// </summary>
    public long InFlightBytesMax { get; init; } = 32 * 1024 * 1024;

    /// <summary>Time that a closing producer waits for acknowledgements before it gives up what it holds.</summary>
    public TimeSpan FlushTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Reads the section <c>Kafka</c> and the file of the password; adds a sentence to <paramref name="errors"/> for
    /// each setting that is wrong.
    /// </summary>
    public static KafkaOptions Read(IConfiguration configuration, ICollection<string> errors)
    {
        var options = Bind(configuration, errors);
        if (options.ReplicationFactor is 0 or < ClusterDefault)
            errors.Add(
                $"Kafka:ReplicationFactor is {options.ReplicationFactor}; it must be at least 1, or -1 for the "
                    + "cluster's default."
            );
        if (!string.IsNullOrEmpty(options.SslCaFile) && !File.Exists(options.SslCaFile))
            errors.Add($"Kafka:SslCaFile names '{options.SslCaFile}', which is not there.");
        if (string.IsNullOrEmpty(options.SaslPasswordFile))
            return options;
        if (!string.IsNullOrEmpty(options.SaslPassword))
            errors.Add("Set Kafka:SaslPassword or Kafka:SaslPasswordFile, not both.");
        return options with { SaslPassword = ReadPassword(options.SaslPasswordFile, errors) };
    }

    private static KafkaOptions Bind(IConfiguration configuration, ICollection<string> errors)
    {
        try
        {
            return configuration.GetSection("Kafka").Get<KafkaOptions>() ?? new KafkaOptions();
        }
        catch (InvalidOperationException e)
        {
            // It names the setting and, as nothing else fails to bind, no text that could be a password.
            errors.Add(e.Message);
            return new KafkaOptions();
        }
    }

    private static string? ReadPassword(string file, ICollection<string> errors)
    {
        try
        {
            var password = File.ReadLines(file).FirstOrDefault()?.Trim();
            if (string.IsNullOrEmpty(password))
                errors.Add($"Kafka:SaslPasswordFile names '{file}', whose first line is empty.");
            return password;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"Kafka:SaslPasswordFile names '{file}', which cannot be read: {e.Message}");
            return null;
        }
    }

    /// <summary>Leaves out the password.</summary>
    public override string ToString() => $"Kafka at {Bootstrap} ({SecurityProtocol})";

    /// <summary>The settings that every client shares, librdkafka's words.</summary>
    public ClientConfig ClientConfig(string clientId) =>
        new()
        {
            BootstrapServers = Bootstrap,
            ClientId = clientId,
            SecurityProtocol = SecurityProtocol,
            SslCaLocation = NullWhenEmpty(SslCaFile),
            SaslMechanism = SaslMechanism,
            SaslUsername = NullWhenEmpty(SaslUsername),
            SaslPassword = NullWhenEmpty(SaslPassword),
            SocketNagleDisable = true,
            SocketKeepaliveEnable = true,
            ReconnectBackoffMs = 50,
            ReconnectBackoffMaxMs = 1000,
            TopicMetadataRefreshIntervalMs = 60_000,
            // A broker that is not there yet is the supervisor's news, not an error of every client's log.
            LogConnectionClose = false,
        };

    /// <summary>An environment variable that is set to nothing means the same as one that is not set.</summary>
    private static string? NullWhenEmpty(string? text) => text is "" ? null : text;

    /// <summary>Settings of an idempotent producer that waits for all replicas.</summary>
    public ProducerConfig ProducerConfig(string clientId) =>
        new(ClientConfig(clientId))
        {
            EnableIdempotence = true,
            Acks = Acks.All,
            LingerMs = 5,
            MessageTimeoutMs = (int)DeliveryTimeout.TotalMilliseconds,
            // Twice what is ever handed over at once, so that the client itself never refuses a record.
            QueueBufferingMaxMessages = InFlightMax * 2,
            QueueBufferingMaxKbytes = (int)Math.Clamp(InFlightBytesMax / 1024 * 2, 1024, int.MaxValue),
            CompressionType = CompressionType.None,
        };

    /// <summary>Settings of a producer of transactions, each open for at most <paramref name="timeout"/>.</summary>
    public ProducerConfig TransactionalConfig(string clientId, string transactionalId, TimeSpan timeout) =>
        new(ProducerConfig(clientId))
        {
            TransactionalId = transactionalId,
            TransactionTimeoutMs = (int)timeout.TotalMilliseconds,
            MessageTimeoutMs = (int)timeout.TotalMilliseconds,
            // After an outage of all brokers a client that bootstraps again waits for a coordinator that it has
            // dropped, and the offsets of its next transaction are never sent (librdkafka issue 5511).
            MetadataRecoveryStrategy = MetadataRecoveryStrategy.None,
            // The same fault where the group's coordinator alone is lost: the client looks for the new one only when
            // one of its connections changes state. Closing idle connections makes that happen.
            ConnectionsMaxIdleMs = 5_000,
        };

    /// <summary>
    /// Settings of a consumer that commits only what was processed and sees only committed transactions.
    /// </summary>
    public ConsumerConfig ConsumerConfig(string clientId, string group) =>
        new(ClientConfig(clientId))
        {
            GroupId = group,
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            IsolationLevel = IsolationLevel.ReadCommitted,
            PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky,
            SessionTimeoutMs = 10_000,
            HeartbeatIntervalMs = 2_000,
            MaxPollIntervalMs = 300_000,
            FetchWaitMaxMs = 250,
            FetchErrorBackoffMs = 100,
            // The client looks again after this time when its queue was full; its default of a second would hold a fast
            // reader to one queue a second.
            FetchQueueBackoffMs = 10,
            // Prefetched bytes are held by librdkafka for each consumer; a platform on one machine has dozens of them.
            QueuedMinMessages = 2_000,
            QueuedMaxMessagesKbytes = 4 * 1024,
            FetchMaxBytes = 8 * 1024 * 1024,
            AllowAutoCreateTopics = false,
        };
}
