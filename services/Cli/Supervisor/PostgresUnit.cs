using EventStream.EventStore.Former;
using EventStream.EventStore.Postgres;
using EventStream.Processes;
using EventStream.Processes.Postgres;

namespace EventStream.Cli.Supervisor;

/// <summary>The platform's own PostgreSQL.</summary>
internal sealed class PostgresUnit(
    DataFolder data,
    PortPlan ports,
    PlatformEnvironment environment,
    IConfiguration configuration,
    TimeProvider clock
) : IUnit
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    public string Name => "postgres";

    public IReadOnlyList<string> Roles => ["postgres"];

    public async Task<IRunningUnit> StartAsync(CancellationToken cancellation)
    {
        try
        {
            var cluster = await PostgresCluster.StartAsync(data.Of("postgres"), ports.Postgres, cancellation);
            environment.PostgresConnection = cluster.ConnectionString;
            await CheckFormerAsync(cluster, cancellation);
            // SIGINT is PostgreSQL's fast shutdown: clients are disconnected, what was committed is on disk.
            return new Running(cluster, new DaemonGuard(configuration, cluster.PidFile, "INT"), clock);
        }
        catch (PostgresClusterException e)
        {
            throw new CommandException($"postgres: {e.Message}", e);
        }
    }

    /// <summary>A store of a former release is refused before anything else starts.</summary>
    private static async Task CheckFormerAsync(PostgresCluster cluster, CancellationToken cancellation)
    {
        var postgres = new PostgresOptions
        {
            ConnectionString = cluster.ConnectionString,
            MasterKey = EventStream.EventStore.Privacy.MasterKey.Ephemeral(),
        };
        await using var source = postgres.CreateDataSource();
        try
        {
            foreach (var service in StoreTool.Services)
                await FormerStore.CheckAsync(
                    source,
                    postgres.FormerSchema,
                    service.Category,
                    postgres.ForService(service.Name).Schema,
                    cancellation
                );
        }
        catch (FormerStoreException e)
        {
            await cluster.DisposeAsync();
            throw new CommandException(e.Message, e);
        }
    }

    private sealed class Running(PostgresCluster cluster, DaemonGuard guard, TimeProvider clock) : IRunningUnit
    {
        public int ProcessId { get; } = cluster.ProcessId;

        public async Task<string> WaitForExitAsync(CancellationToken cancellation)
        {
            // It is a daemon and not our child, so its end can only be seen, not awaited.
            while (Posix.Exists(ProcessId))
                await Task.Delay(LookInterval, clock, cancellation);
            return "ended; postgres/postgres.log in the data folder says why";
        }

        public async ValueTask DisposeAsync()
        {
            await cluster.DisposeAsync();
            guard.Dispose();
        }
    }
}
