using EventStream.Cli.Supervisor;
using EventStream.Hosting;
using EventStream.Messaging;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace EventStream.Unit.Tests.Cli;

public sealed class RoleHealthTests
{
    [Fact]
    public void A_role_in_order_has_nothing_to_say() =>
        Assert.Equal("ready", RoleHealth.Read("qoe", true, "Healthy\nkafka: Healthy \nstate: Healthy \n").State);

    [Fact]
    public void Every_check_that_is_not_in_order_is_a_sentence()
    {
        var health = RoleHealth.Read(
            "qoe",
            false,
            "Unhealthy\nkafka: Unhealthy 3 partitions have no leader:\n traffic.load 0\nstate: Healthy \n"
                + "disk: Degraded It is nearly full.\n"
        );

        Assert.Equal("not ready", health.State);
        Assert.Equal(["kafka: 3 partitions have no leader: traffic.load 0", "disk: It is nearly full."], health.Why);
    }

    [Fact]
    public void A_role_that_works_with_a_warning_is_degraded() =>
        Assert.Equal("degraded", RoleHealth.Read("broker", true, "Degraded\ndisk: Degraded Full.\n").State);

    [Fact]
    public async Task A_process_tells_of_its_roles_whenever_it_is_asked()
    {
        var role = new Fickle();
        var settings = new Dictionary<string, string?>(TestKeys.Pairs) { ["Listen:fickle"] = "http://127.0.0.1:0" };
        await using var app = RoleHost.Build(role, new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        await app.StartAsync();
        string[] urls = [$"{app.Urls.First()}/health/ready"];
        var unit = new ChildUnit("one", ["fickle"], urls, () => [], new ConfigurationBuilder().Build(), "unused");

        var before = Assert.Single(await unit.HealthAsync(CancellationToken.None));
        role.Missing = "the map of edges is empty";
        var after = Assert.Single(await unit.HealthAsync(CancellationToken.None));
        await app.StopAsync();
        var gone = Assert.Single(await unit.HealthAsync(CancellationToken.None));

        Assert.Equal(("ready", "not ready", "not ready"), (before.State, after.State, gone.State));
        Assert.Equal(["map: the map of edges is empty"], after.Why);
        Assert.StartsWith("It does not answer", gone.Why.Single());
    }

    /// <summary>A role whose readiness the test changes.</summary>
    private sealed class Fickle : IRole
    {
        public string? Missing { get; set; }

        public string Name => "fickle";

        public string Summary => "is ready or not";

        public void Configure(WebApplicationBuilder builder) =>
            builder.Services.AddReadiness("map", (_, _) => Task.FromResult(Missing));

        public void Map(WebApplication app) { }
    }
}
