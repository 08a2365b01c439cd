using System.Collections.Concurrent;
using System.Text;
using Confluent.Kafka;
using EventStream.Embedded.Broker;
using EventStream.Embedded.Broker.Protocol;
using EventStream.Embedded.Broker.Security;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging;
using ErrorCode = EventStream.Embedded.Broker.Protocol.ErrorCode;
using SecurityProtocol = EventStream.Embedded.Broker.Security.SecurityProtocol;

namespace EventStream.Embedded.Tests.Integration.Broker;

/// <summary>TLS and SASL, with the clients that speak them.</summary>
[Trait("Category", "Integration")]
public sealed class SecurityTests(Certificates certificates) : IClassFixture<Certificates>
{
    private const string Password = "correct horse";

    [Fact]
    public async Task Kcat_authenticates_by_every_mechanism_over_TLS()
    {
        await using var broker = await StartAsync(SecurityProtocol.SaslSsl);
        foreach (var mechanism in SecurityOptions.KnownMechanisms)
        {
            var topic = "kcat-" + mechanism;
            await Kcat(broker, mechanism, "hello\n", "-P", "-t", topic);
            var read = await Kcat(broker, mechanism, null, "-C", "-t", topic, "-o", "beginning", "-e", "-q");
            Assert.Equal("hello\n", read);
        }
    }

    [Fact]
    public async Task KafkaJS_and_kafka_python_authenticate_by_SCRAM_over_TLS()
    {
        await using var broker = await StartAsync(SecurityProtocol.SaslSsl);
        var python = StockClients.KafkaPythonAsync(
            broker.Bootstrap,
            $$$"""
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-256", "sasl_plain_username": "alice",
            "sasl_plain_password": "{{{Password}}}", "ssl_cafile": "{{{certificates.Authority}}}"}
            """
        );
        var js = StockClients.KafkaJsAsync(
            broker.Bootstrap,
            $$$"""
            {"onlyExchange": true, "ssl": {"caFile": "{{{certificates.Authority}}}"},
            "sasl": {"mechanism": "scram-sha-512", "username": "alice", "password": "{{{Password}}}"}}
            """
        );
        Assert.Contains("consume", await js);
        Assert.Contains("consume", await python);
        Assert.Equal(0, broker.Running.FailedAuthentications);
    }

    [Fact]
    public async Task KafkaJS_and_kafka_python_authenticate_by_PLAIN_without_TLS()
    {
        await using var broker = await StartAsync(SecurityProtocol.SaslPlaintext);
        var python = StockClients.KafkaPythonAsync(
            broker.Bootstrap,
            $$$"""
            {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_plain_username": "alice",
            "sasl_plain_password": "{{{Password}}}"}
            """
        );
        var js = StockClients.KafkaJsAsync(
            broker.Bootstrap,
            $$$"""
            {"onlyExchange": true, "sasl": {"mechanism": "plain", "username": "alice", "password": "{{{Password}}}"}}
            """
        );
        Assert.Contains("consume", await js);
        Assert.Contains("consume", await python);
    }

    [Fact]
    public async Task Librdkafka_speaks_TLS_and_a_client_in_plain_text_is_refused_and_counted()
    {
        await using var broker = await StartAsync(SecurityProtocol.Ssl);
        using (var producer = Clients.Producer(broker, Secure))
        {
            await producer.ProduceAsync("tls", new Message<string, string> { Value = new string('x', 500_000) });
        }
        using var consumer = Clients.Consumer(broker, "g", Secure);
        consumer.Subscribe("tls");
        Assert.Equal(500_000, consumer.Consume(Clients.Patience)!.Message.Value.Length);
        using var plain = new RawClient(broker.Port);
        await plain.SendAsync(ApiKey.ApiVersions, 0, _ => { });
        await plain.AwaitEndAsync();
        Assert.Equal(1, broker.Running.FailedAuthentications);
    }

    [Fact]
    public async Task Where_clients_need_a_certificate_one_without_is_refused()
    {
        await using var broker = await StartAsync(
            SecurityProtocol.Ssl,
            o => o with { ClientAuthorityFile = certificates.Authority }
        );
        using var trusted = Clients.Producer(
            broker,
            c =>
            {
                Secure(c);
                c.SslCertificateLocation = certificates.CertificateOf("client");
                c.SslKeyLocation = certificates.KeyOf("client");
            }
        );
        await trusted.ProduceAsync("mutual", new Message<string, string> { Value = "x" });
        using var stranger = Clients.Producer(
            broker,
            c =>
            {
                Secure(c);
                c.MessageTimeoutMs = 1500;
            }
        );
        await Assert.ThrowsAsync<ProduceException<string, string>>(() =>
            stranger.ProduceAsync("mutual", new Message<string, string> { Value = "x" })
        );
        Assert.True(broker.Running.FailedAuthentications > 0);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_with_a_reason_that_says_no_more_and_ends_the_connection()
    {
        await using var broker = await StartAsync(SecurityProtocol.SaslPlaintext);
        using var client = new RawClient(broker.Port);
        await HandshakeAsync(client, "PLAIN");
        var answer = await client.AskAsync(
            ApiKey.SaslAuthenticate,
            0,
            w => w.WriteBytes(Encoding.UTF8.GetBytes("\0alice\0wrong"))
        );
        Assert.Equal((short)ErrorCode.SaslAuthenticationFailed, answer.ReadInt16());
        Assert.DoesNotContain("alice", answer.ReadString(), StringComparison.Ordinal);
        await client.AwaitEndAsync();
        Assert.Equal(1, broker.Running.FailedAuthentications);
    }

    [Fact]
    public async Task Nothing_is_served_before_the_authentication_and_a_silent_client_is_hung_up_on()
    {
        await using var broker = await StartAsync(
            SecurityProtocol.SaslPlaintext,
            o => o with { AuthenticationTimeout = TimeSpan.FromSeconds(2) }
        );
        using var silent = new RawClient(broker.Port);
        using var hasty = new RawClient(broker.Port);
        await hasty.AskAsync(ApiKey.ApiVersions, 0, _ => { });
        await hasty.SendAsync(ApiKey.Metadata, 1, w => w.WriteArrayLength(-1));
        await hasty.AwaitEndAsync();
        Assert.Equal(1, broker.Running.GarbageFrames);
        await silent.AwaitEndAsync();
    }

    [Fact]
    public async Task A_mechanism_that_is_not_offered_is_answered_with_those_that_are()
    {
        await using var broker = await StartAsync(
            SecurityProtocol.SaslPlaintext,
            o => o with { Mechanisms = ["SCRAM-SHA-512"] }
        );
        using var client = new RawClient(broker.Port);
        var answer = await client.AskAsync(ApiKey.SaslHandshake, 1, w => w.WriteString("PLAIN"));
        Assert.Equal((short)ErrorCode.UnsupportedSaslMechanism, answer.ReadInt16());
        Assert.Equal(["SCRAM-SHA-512"], answer.ReadStringArray());
        await client.AwaitEndAsync();
    }

    [Fact]
    public async Task An_authentication_that_runs_out_is_renewed_by_the_same_user_or_ends_the_connection()
    {
        await using var broker = await StartAsync(
            SecurityProtocol.SaslPlaintext,
            o => o with { SessionLifetime = TimeSpan.FromSeconds(3) }
        );
        using var client = new RawClient(broker.Port);
        Assert.Equal(3000, await AuthenticateAsync(client, "alice"));
        await client.AskAsync(ApiKey.Metadata, 1, w => w.WriteArrayLength(-1));
        Assert.Equal(3000, await AuthenticateAsync(client, "alice"));
        await client.AskAsync(ApiKey.Metadata, 1, w => w.WriteArrayLength(-1));
        using var other = new RawClient(broker.Port);
        await AuthenticateAsync(other, "alice");
        Assert.Equal(-1, await AuthenticateAsync(other, "bob"));
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (true)
            {
                await client.AskAsync(ApiKey.Metadata, 1, w => w.WriteArrayLength(-1));
                await Task.Delay(50);
            }
        });
    }

    [Fact]
    public async Task No_secret_reaches_the_log()
    {
        var log = new Lines();
        var folder = Directory.CreateTempSubdirectory("eventstream-broker-").FullName;
        var options = new BrokerOptions { DataFolder = folder, Security = Options(SecurityProtocol.SaslPlaintext) };
        await using (var broker = await DevBroker.StartAsync(options, log, CancellationToken.None))
        {
            using var client = new RawClient(broker.Port);
            await AuthenticateAsync(client, "alice");
            using var wrong = new RawClient(broker.Port);
            await HandshakeAsync(wrong, "PLAIN");
            await wrong.AskAsync(ApiKey.SaslAuthenticate, 0, w => w.WriteBytes("\0hunter2\0hunter3"u8));
        }
        Assert.Contains(log.Written, l => l.Contains("PLAIN failed", StringComparison.Ordinal));
        Assert.DoesNotContain(log.Written, l => l.Contains(Password, StringComparison.Ordinal) || l.Contains("hunter"));
        Assert.DoesNotContain(Password, options.ToString(), StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("no-such.pem", "no-such.key")]
    [InlineData("broker.key", "broker.key")]
    public async Task A_certificate_that_cannot_be_used_is_named_with_the_remedy(string certificate, string key)
    {
        var folder = Path.GetDirectoryName(certificates.Authority)!;
        var security = Options(SecurityProtocol.Ssl) with
        {
            CertificateFile = Path.Combine(folder, certificate),
            KeyFile = Path.Combine(folder, key),
        };
        var refused = await Assert.ThrowsAsync<BrokerException>(() =>
            TestBroker.StartAsync(o => o with { Security = security })
        );
        Assert.Contains(certificate, refused.Message, StringComparison.Ordinal);
        Assert.Contains("PEM", refused.Message, StringComparison.Ordinal);
    }

    private Task<TestBroker> StartAsync(
        SecurityProtocol protocol,
        Func<SecurityOptions, SecurityOptions>? configure = null
    ) => TestBroker.StartAsync(o => o with { Security = (configure ?? (s => s))(Options(protocol)) });

    private SecurityOptions Options(SecurityProtocol protocol) =>
        new()
        {
            Protocol = protocol,
            Mechanisms = SecurityOptions.KnownMechanisms,
            Users = new Dictionary<string, string> { ["alice"] = Password, ["bob"] = Password },
            CertificateFile = certificates.CertificateOf("broker"),
            KeyFile = certificates.KeyOf("broker"),
        };

    private void Secure(ClientConfig config)
    {
        config.SecurityProtocol = Confluent.Kafka.SecurityProtocol.Ssl;
        config.SslCaLocation = certificates.Authority;
    }

    private Task<string> Kcat(TestBroker broker, string mechanism, string? input, params string[] arguments) =>
        StockClients.KcatAsync(
            broker.Bootstrap,
            input,
            [
                "-X",
                "security.protocol=SASL_SSL",
                "-X",
                "ssl.ca.location=" + certificates.Authority,
                "-X",
                "sasl.mechanisms=" + mechanism,
                "-X",
                "sasl.username=alice",
                "-X",
                "sasl.password=" + Password,
                .. arguments,
            ]
        );

    private static async Task HandshakeAsync(RawClient client, string mechanism)
    {
        var answer = await client.AskAsync(ApiKey.SaslHandshake, 1, w => w.WriteString(mechanism));
        Assert.Equal(0, answer.ReadInt16());
    }

    /// <summary>How long the authentication holds, in milliseconds; -1 when it failed.</summary>
    private static async Task<long> AuthenticateAsync(RawClient client, string user)
    {
        await HandshakeAsync(client, "PLAIN");
        var message = Encoding.UTF8.GetBytes($"\0{user}\0{Password}");
        var answer = await client.AskAsync(ApiKey.SaslAuthenticate, 1, w => w.WriteBytes(message));
        if (answer.ReadInt16() != 0)
            return -1;
        answer.ReadNullableString();
        answer.ReadBytes();
        return answer.ReadInt64();
    }

    private sealed class Lines : ILogger
    {
        public ConcurrentQueue<string> Written { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Written.Enqueue($"{formatter(state, exception)} {exception}");
    }
}
