using EventStream.Cli.Supervisor;
using EventStream.Embedded.Broker;
using EventStream.Tests.Kit;

namespace EventStream.EndToEnd.Tests.Cli;

/// <summary>
/// Who reaches the broker that <c>up</c> starts: whoever has the file of its credentials, with the tools that people
/// use, and nobody else.
/// </summary>
public sealed class KafkaCredentialsTests(KafkaCredentialsTests.Platform platform)
    : IClassFixture<KafkaCredentialsTests.Platform>
{
    private const string OldTopic = "of-an-older-version";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Kcat_reads_the_topics_with_the_client_file()
    {
        var (exitCode, output, errors) = await KcatAsync("-F", platform.Up.Data.KafkaClientFile, "-L");
        Assert.True(exitCode == 0, errors);
        Assert.Contains("topic \"playback.beacons\"", output);
        // The folder was that of a version whose broker asked for nothing.
        Assert.Contains($"topic \"{OldTopic}\"", output);
    }

    [ApacheKafkaFact]
    public async Task Kafkas_own_tools_read_the_topics_with_the_client_file()
    {
        var (exitCode, output) = await ApacheKafka.ToolAsync(
            Limit,
            null,
            "topics",
            "--bootstrap-server",
            platform.Up.Kafka,
            "--command-config",
            platform.Up.Data.KafkaClientFile,
            "--list"
        );
        Assert.True(exitCode == 0, output);
        Assert.Contains("playback.beacons", output);
    }

    [Fact]
    public async Task Without_credentials_or_with_wrong_ones_a_client_gets_nothing()
    {
        var anonymous = await KcatAsync("-b", platform.Up.Kafka, "-L", "-m", "3");
        Assert.NotEqual(0, anonymous.ExitCode);
        Assert.DoesNotContain("playback.beacons", anonymous.Output);
        var file = platform.Up.Data.KafkaClientFile;
        var wrong = await KcatAsync("-F", file, "-X", "sasl.password=wrong", "-L", "-m", "3");
        Assert.NotEqual(0, wrong.ExitCode);
        Assert.DoesNotContain("playback.beacons", wrong.Output);
    }

    [Fact]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    public void Only_the_owner_reads_password_users_and_client_file()
    {
        var data = platform.Up.Data;
        foreach (
            var file in (string[])
                [
                    data.KafkaClientFile,
                    data.SecretFile(DataFolder.KafkaPassword),
                    data.SecretFile(DataFolder.KafkaUsers),
                ]
        )
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }

        Assert.DoesNotContain(data.Secret(DataFolder.KafkaPassword), platform.Up.Output);
    }

    [Fact]
    public async Task The_command_checks_the_topics_of_a_running_platform_with_its_credentials()
    {
        var (exitCode, output, errors) = await Command.RunAsync(
            Limit,
            EventStreamProcess.Program,
            ["topics", "check", "--data", platform.Up.Data.Root]
        );
        Assert.True(exitCode == 0, output + errors);
        Assert.Contains("are as the contracts say", output);
    }

    private static Task<(int ExitCode, string Output, string Errors)> KcatAsync(params string[] arguments) =>
        Command.RunAsync(Limit, "kcat", arguments);

    /// <summary>A platform in the data folder of one whose broker asked for no credentials.</summary>
    public sealed class Platform : IAsyncLifetime
    {
        public PlatformProcess Up { get; private set; } = null!;

        public async Task InitializeAsync() =>
            Up = await PlatformProcess.StartAsync(
                async data =>
                {
                    var before = await DevBroker.StartAsync(
                        new BrokerOptions { DataFolder = data.Of("broker"), AutoCreateTopics = true },
                        CancellationToken.None
                    );
                    var (exitCode, _, errors) = await Command.RunAsync(
                        Limit,
                        "kcat",
                        ["-b", before.Bootstrap, "-P", "-t", OldTopic],
                        "a record\n"
                    );
                    Assert.True(exitCode == 0, errors);
                    await before.StopAsync();
                },
                []
            );

        public Task DisposeAsync() => Up.DisposeAsync().AsTask();
    }
}
