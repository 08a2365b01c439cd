using EventStream.Hosting;
using EventStream.Messaging.Kafka;

namespace EventStream.Unit.Tests.Messaging;

public sealed class KafkaAuthorityTests : IDisposable
{
    private readonly string file = Path.GetTempFileName();

    public void Dispose() => File.Delete(file);

    [Fact]
    public void Every_client_checks_certificates_by_the_authority_that_is_named()
    {
        var options = RoleOptions.Read(
            "test",
            RoleHost.ReadConfiguration(null, [new("Kafka:SecurityProtocol", "SaslSsl"), new("Kafka:SslCaFile", file)]),
            KafkaOptions.Read
        );

        Assert.Equal(file, options.ProducerConfig("test").SslCaLocation);
        Assert.Equal(file, options.ConsumerConfig("test", "group").SslCaLocation);
        Assert.Null(new KafkaOptions().ClientConfig("test").SslCaLocation);
    }

    [Fact]
    public void An_authority_that_is_not_there_is_named() =>
        Assert.Contains(
            "Kafka:SslCaFile names '/nowhere/ca.pem'",
            Assert
                .Throws<RoleConfigurationException>(() =>
                    RoleOptions.Read(
                        "test",
                        RoleHost.ReadConfiguration(null, [new("Kafka:SslCaFile", "/nowhere/ca.pem")]),
                        KafkaOptions.Read
                    )
                )
                .Message
        );
}
