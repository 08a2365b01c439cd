using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Relay;
using EventStream.Processes.Postgres;
using EventStream.Tests.Kit;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>
/// A store under load while its PostgreSQL is restarted, its network cut, its connections killed, its broker restarted,
/// its owners changed and its projections rebuilt, drawn from a seed: what was acknowledged is there, every projection
/// equals the events, and every event is on the topic once.
/// </summary>
[Trait("Category", "Fault")]
[Trait("Category", "Integration")]
public sealed class StoreFaultTests : IAsyncLifetime
{
    private const int Streams = 40;
    private const int Appenders = 4;
    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-fault-pg-").FullName;
    private readonly int port = PostgresFixture.FreePort();
    private PostgresCluster cluster = null!;
    private TestBroker broker = null!;
    private TcpProxy network = null!;
    private PostgresOptions options = null!;

    public async Task InitializeAsync()
    {
        cluster = await StartPostgresAsync();
        broker = await TestBroker.StartAsync();
        await RelayCheck.CreateTopicAsync(broker.Bootstrap, Topics.VideoEvents);
        network = new TcpProxy(port);
        options = new PostgresOptions
        {
            ConnectionString = new NpgsqlConnectionStringBuilder(cluster.ConnectionString)
            {
                Port = network.Port,
                Timeout = 5,
                CommandTimeout = 10,
            }.ConnectionString,
            Schema = "fault",
            MasterKey = EventStream.EventStore.Privacy.MasterKey.Ephemeral(),
        };
    }

    public async Task DisposeAsync()
    {
        await network.DisposeAsync();
        await broker.DisposeAsync();
        cluster.Kill();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_whatever_breaks()
    {
        var run = FaultRun.Of(TimeSpan.FromSeconds(12));
        var random = new Random(run.Seed);
        var acknowledged = new System.Collections.Concurrent.ConcurrentBag<Guid>();
        await using var writing = await StoreRig.OpenAsync(options);
        await using var first = await StoreRig.OpenAsync(options);
        await using var second = await StoreRig.OpenAsync(options);
        var daemons = new[] { await DaemonAsync(first), await DaemonAsync(second) };
        using var stop = new CancellationTokenSource(run.Duration);
        var appending = Enumerable.Range(0, Appenders)
            .Select(n => AppendAsync(writing, new Random(run.Seed + n), acknowledged, stop.Token)).ToList();
        var faults = new List<string>();
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(random.Next(300, 1500), CancellationToken.None);
            if (!stop.IsCancellationRequested) faults.Add(await BreakAsync(random, first, second, daemons));
        }

        network.Restore();
        await Task.WhenAll(appending);
        try
        {
            await CheckAsync(writing, acknowledged);
        }
        catch (Exception e)
        {
            Assert.Fail($"{run.Name}; {string.Join(", ", faults)}; daemons: {daemons[0].Trouble} / "
                + $"{daemons[1].Trouble}\n{e}");
        }
    }

    private static DaemonPlan Plan() => new DaemonPlan()
        .Add(new VideoLife.Projection { Shards = 2 }).Add(new PublisherTotals.Projection()).Add(new VideoRows())
        .Add(new Journal());

    private Task<ProjectionDaemon> DaemonAsync(StoreRig rig) => rig.DaemonAsync(Plan(),
    [
        new EventRelay(
            new() { Bootstrap = broker.Bootstrap }, [new RelayRoute("video", Topics.VideoEvents)], rig.Services),
    ]);

    private async Task<string> BreakAsync(
        Random random, StoreRig first, StoreRig second, ProjectionDaemon[] daemons)
    {
        switch (random.Next(7))
        {
            case 0:
                cluster.Kill();
                cluster = await StartPostgresAsync();
                return "PostgreSQL killed and started";
            case 1:
                network.Drop();
                return "connections reset";
            case 2:
                network.Cut();
                await Task.Delay(random.Next(100, 1500));
                network.Restore();
                return "network cut for a while";
            case 3:
                await TryAsync(() => ExecuteAsync(
                    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() "
                    + $"and application_name like 'eventstream%' and pid % 3 = {random.Next(3)}"));
                return "a third of the backends killed";
            case 4:
                await broker.RestartAsync(abruptly: true);
                return "broker killed and started";
            case 5:
                var which = random.Next(2);
                var rig = which == 0 ? first : second;
                await rig.StopAsync(daemons[which]);
                await StoreRig.EventuallyAsync(async () =>
                    await TryAsync(async () => daemons[which] = await DaemonAsync(rig)));
                return $"daemon {which} restarted";
            default:
                var projections = Plan().Projections;
                var projection = projections[random.Next(projections.Count)];
                return await TryAsync(() => second.RebuildAsync(projection))
                    ? $"{projection.Name} rebuilt" : $"{projection.Name} half rebuilt";
        }
    }

    /// <summary>An append whose answer is lost is tried again with the same ids until there is one.</summary>
    private static async Task AppendAsync(
        StoreRig rig, Random random, System.Collections.Concurrent.ConcurrentBag<Guid> acknowledged,
        CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var events = Enumerable.Range(0, random.Next(1, 5))
                .Select(_ => new NewEvent(Guid.NewGuid(), SampleEvents.Draw(random, random.Next(2)))).ToList();
            var stream = $"{(random.Next(10) == 0 ? "encode" : "video")}-{random.Next(Streams)}";
            await StoreRig.EventuallyAsync(() => TryAsync(() => rig.Store.AppendAsync(
                stream, ExpectedVersion.Any, events, EventMetadata.None, CancellationToken.None)));
            foreach (var e in events) acknowledged.Add(e.Id);
            await Task.Delay(random.Next(10), CancellationToken.None);
        }
    }

    private async Task CheckAsync(StoreRig rig, IReadOnlyCollection<Guid> acknowledged)
    {
        await StoreRig.EventuallyAsync(() => TryAsync(() => rig.RowsAsync("select 1")));
        var stored = (await rig.RowsAsync("select id from events")).Select(Guid.Parse).ToHashSet();
        Assert.Equal(acknowledged.Count, stored.Count);
        Assert.True(stored.SetEquals(acknowledged), "Acknowledged events are missing.");
        foreach (var projection in Plan().Projections)
            await StoreRig.EventuallyAsync(() => TryAsync(() => rig.WaitAsync(projection.Name)));
        var kept = await ContentsAsync(rig);
        await StoreRig.EventuallyAsync(() => TryAsync(() => rig.WaitAsync(EventRelay.ReaderName)));
        await RelayCheck.EverythingOnceAsync(rig, broker.Bootstrap);
        Assert.Equal(["0"], await rig.RowsAsync(
            "select count(*) from events e full join journal j using (position) "
            + "where e.position is null or j.position is null"));
        foreach (var projection in Plan().Projections)
            await StoreRig.EventuallyAsync(() => TryAsync(() => rig.RebuildAsync(projection)));
        Assert.Equal(kept, await ContentsAsync(rig));
        Assert.Equal(["0"], await rig.RowsAsync("select count(*) from projection_errors"));
    }

    private static async Task<List<string>> ContentsAsync(StoreRig rig) =>
    [
        .. await rig.RowsAsync("select id, version, position, data from video_life order by id"),
        .. await rig.RowsAsync("select id, version, position, data from publisher_totals order by id"),
        .. await rig.RowsAsync("select * from video_rows order by stream"),
    ];

    private static async Task<bool> TryAsync(Func<Task> action)
    {
        try
        {
            await action();
            return true;
        }
        catch (Exception e) when (e is NpgsqlException or IOException or TimeoutException or RebuildRunsException
            or OwnershipLostException or System.Net.Sockets.SocketException)
        {
            await Task.Delay(20);
            return false;
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(cluster.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private Task<PostgresCluster> StartPostgresAsync() => PostgresCluster.StartAsync(
        folder, port, CancellationToken.None, new PostgresClusterOptions { ConnectionsMax = 120 });
}
