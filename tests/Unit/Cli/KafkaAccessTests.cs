using Confluent.Kafka;
using EventStream.Cli;
using EventStream.Cli.Supervisor;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using Microsoft.Extensions.Configuration;

namespace EventStream.Unit.Tests.Cli;

/// <summary>What a platform tells its clients of Kafka.</summary>
public sealed class KafkaAccessTests
{
    [Fact]
    public void The_client_file_of_another_Kafka_says_what_the_operators_settings_say()
    {
        var text = KafkaAccess.ClientProperties(
            new KafkaOptions
            {
                Bootstrap = "a:1,b:2",
                SecurityProtocol = SecurityProtocol.SaslSsl,
                SaslMechanism = SaslMechanism.Plain,
                SaslUsername = "me",
                SaslPassword = "p\"\\",
            }
        );
        Assert.Contains("bootstrap.servers=a:1,b:2\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n", text);
        Assert.Contains("sasl.username=me\nsasl.password=p\"\\\n", text);
        Assert.EndsWith(
            "\rsasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"me\" "
                + "password=\"p\\\\\"\\\\\\\\\";\n",
            text
        );
        Assert.Equal(
            "bootstrap.servers=a:1\nsecurity.protocol=PLAINTEXT\n",
            KafkaAccess.ClientProperties(new KafkaOptions { Bootstrap = "a:1" }).Split('\n', 2)[1]
        );
    }

    [Theory]
    [InlineData("a:1", true)]
    [InlineData("a:1,b:2,c:3", true)]
    [InlineData("a", false)]
    [InlineData("a:1,b", false)]
    [InlineData("a:1,", false)]
    [InlineData("a:0", false)]
    [InlineData(":1", false)]
    public void Several_addresses_of_Kafka_are_taken(string addresses, bool taken)
    {
        var options = new PlatformOptions { DataFolder = "/tmp/x", Kafka = addresses };
        if (taken)
            options.Validate();
        else
            Assert.Contains("--kafka", Assert.Throws<CommandException>(options.Validate).Message);
    }

    [Fact]
    public void The_password_comes_from_its_file_and_is_never_shown()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "secret\n");
        KafkaOptions Read(params (string Key, string Value)[] settings) =>
            RoleOptions.Read(
                "test",
                new ConfigurationBuilder()
                    .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create<string, string?>(s.Key, s.Value)))
                    .Build(),
                KafkaOptions.Read
            );
        var options = Read(("Kafka:SaslPasswordFile", file), ("Kafka:SaslPassword", ""));
        Assert.Equal("secret", options.ClientConfig("x").SaslPassword);
        Assert.DoesNotContain("secret", options.ToString());
        string Fault(params (string Key, string Value)[] settings) =>
            Assert.Throws<RoleConfigurationException>(() => Read(settings)).Message;
        Assert.Contains("not both", Fault(("Kafka:SaslPasswordFile", file), ("Kafka:SaslPassword", "x")));
        Assert.Contains("cannot be read", Fault(("Kafka:SaslPasswordFile", "/nowhere/password")));
        Assert.Contains("Kafka:ReplicationFactor", Fault(("Kafka:ReplicationFactor", "0")));
        Assert.Contains("Kafka:SecurityProtocol", Fault(("Kafka:SecurityProtocol", "Sasl")));
        Assert.Equal(-1, Read().ReplicationFactor);
        File.Delete(file);
    }
}
