using System.Net;
using EventStream.Hosting;
using EventStream.Processes;

namespace EventStream.Cli.Supervisor;

/// <summary>
/// Every port of one platform on one machine. <see cref="Base"/> is the console's; all others keep their customary
/// distance to it, so that another base moves the whole platform and two run beside each other.
/// </summary>
public sealed record PortPlan(int Base)
{
    public const int DefaultBase = 7000;

    /// <summary>Encode workers that have a port, and so the most that one machine runs.</summary>
    public const int WorkersMax = 16;

    private const int FirstWorker = 7020;
    private int Shift => Base - DefaultBase;

    /// <summary>PostgreSQL of the platform.</summary>
    public int Postgres => 7012 + Shift;

    /// <summary>The Kafka protocol of the platform's own broker.</summary>
    public int Kafka => 9092 + Shift;

    /// <summary>The UDP port of the traffic role's DNS.</summary>
    public int Dns => 7053 + Shift;

    /// <summary>The HTTP port of a role.</summary>
    public int Of(string role) => RoleAddresses.PortOf(role) + Shift;

    /// <summary>The port of an edge, counted from 0.</summary>
    public int Edge(int index) => 7080 + index + Shift;

    /// <summary>
    /// The health port of an encode worker, counted from 0; twice <see cref="WorkersMax"/> are set aside.
    /// </summary>
    public int Worker(int slot) => FirstWorker + slot + Shift;

    /// <summary>The address at which a role is reached.</summary>
    public string Url(string role) => $"http://127.0.0.1:{Of(role)}";

    /// <summary>The roles that listen on a port of their own here.</summary>
    public static readonly IReadOnlyList<string> Roles =
    [
        "console",
        "upload",
        "playback",
        "traffic",
        "collect",
        "qoe",
        "warehouse",
        "capacity",
        "encode",
        "supervisor",
        "broker",
        "clickhouse",
    ];

    /// <summary>Throws <see cref="CommandException"/> naming each port that is taken and what wanted it.</summary>
    public void CheckFree(bool ownBroker, int edges)
    {
        var wanted = Roles
            .Where(role => ownBroker || role != "broker")
            .Select(role => (role, port: Of(role)))
            .Concat(Enumerable.Range(0, edges).Select(i => (role: $"edge {i + 1}", port: Edge(i))))
            .Append((role: "PostgreSQL", port: Postgres));
        if (ownBroker)
            wanted = wanted.Append((role: "Kafka", port: Kafka));
        var taken = wanted
            .Where(entry => TcpPorts.Refusal(IPAddress.Loopback, entry.port) is not null)
            .Select(entry => $"{entry.port} ({entry.role})")
            .ToArray();
        if (taken.Length == 0)
            return;
        throw new CommandException(
            $"Ports in use: {string.Join(", ", taken)}. Stop what listens there (`eventstream down` if it is an "
                + "earlier platform), or move this one with --base-port."
        );
    }
}
