using System.Net;
using System.Net.Sockets;
using EventStream.Cli;
using EventStream.Cli.Supervisor;

namespace EventStream.Unit.Tests.Cli;

public sealed class PortPlanTests
{
    [Fact]
    public void The_customary_ports_are_those_of_the_base_7000()
    {
        var ports = new PortPlan(7000);

        Assert.Equal((7000, 7001, 7009), (ports.Of("console"), ports.Of("upload"), ports.Of("supervisor")));
        Assert.Equal((8123, 9092, 7080, 7081), (ports.Of("clickhouse"), ports.Kafka, ports.Edge(0), ports.Edge(1)));
    }

    [Fact]
    public void Another_base_moves_every_port_by_the_same_distance() =>
        Assert.Equal(
            (7500, 8623, 9592, 7580),
            (
                new PortPlan(7500).Of("console"),
                new PortPlan(7500).Of("clickhouse"),
                new PortPlan(7500).Kafka,
                new PortPlan(7500).Edge(0)
            )
        );

    [Fact]
    public void No_two_parts_share_a_port()
    {
        var ports = new PortPlan(7000);
        int[] all =
        [
            .. PortPlan.Roles.Select(ports.Of),
            ports.Postgres,
            ports.Kafka,
            ports.Edge(0),
            ports.Edge(1),
            .. Enumerable.Range(0, 2 * PortPlan.WorkersMax).Select(ports.Worker),
        ];

        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Fact]
    public void A_port_in_use_is_named_with_what_wanted_it()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        var error = Assert.Throws<CommandException>(() => new PortPlan(port).CheckFree(ownBroker: true, edges: 2));

        Assert.Contains($"{port} (console)", error.Message);
        Assert.Contains("--base-port", error.Message);
    }
}
