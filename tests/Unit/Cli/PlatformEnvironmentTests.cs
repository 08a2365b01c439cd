using EventStream.Cli.Supervisor;
using EventStream.Hosting.Access;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Configuration;

namespace EventStream.Unit.Tests.Cli;

/// <summary>What the supervisor hands to its children.</summary>
public sealed class PlatformEnvironmentTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-environment-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Keys_of_the_operators_environment_stand_beside_those_of_the_platform()
    {
        var data = new DataFolder(folder.FullName);
        data.Create();
        _ = data.Secret(DataFolder.ServiceKey);
        var platform = new PlatformEnvironment(
            data,
            new PortPlan(PortPlan.DefaultBase),
            new KafkaAccess(data, "127.0.0.1:1", ownBroker: true),
            1
        );

        // As `eventstream key new` prints them, counted from 0.
        var options = AccessOptions.Read(
            new ConfigurationBuilder()
                .AddInMemoryCollection(TestKeys.Pairs.Where(pair => pair.Key != "Access:ServiceKey"))
                .AddInMemoryCollection(platform.Settings())
                .Build(),
            []
        );

        var keyring = new Keyring(options);
        Assert.Equal(new Caller("analyst", AccessRole.Analyst), keyring.Find(TestKeys.Analyst));
        Assert.Equal(new Caller("studio", AccessRole.Publisher), keyring.Find(TestKeys.Publisher));
        Assert.Equal(new Caller("operator", AccessRole.Operator), keyring.Find(data.Secret(DataFolder.OperatorKey)));
    }
}
