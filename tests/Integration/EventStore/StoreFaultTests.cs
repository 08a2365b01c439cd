using System.Collections.Concurrent;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;
using EventStream.EventStore.Relay;
using EventStream.Processes.Postgres;
using EventStream.Tests.Kit;
using Npgsql;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>
/// A store under load while its PostgreSQL is killed, its network cut, its connections ended, its broker killed and the
/// owner of its readers changed, drawn from a seed: what was acknowledged is stored once, the read model equals the
/// events, and every event is on the topic once and in order.
/// </summary>
[Trait("Category", "Fault")]
public sealed class StoreFaultTests : IAsyncLifetime
{
    private const int Streams = 40;
    private const int Appenders = 4;
    private static readonly PostgresClusterOptions Server = new() { ConnectionsMax = 120 };
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-fault-pg-").FullName;
    private readonly int port = FreePort.Next();
    private PostgresCluster cluster = null!;
    private TestBroker broker = null!;
    private TcpProxy network = null!;
    private PostgresOptions options = null!;

    public async Task InitializeAsync()
    {
        cluster = await PostgresCluster.StartAsync(folder, port, CancellationToken.None, Server);
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
            MasterKey = MasterKey.Ephemeral(),
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
        var acknowledged = new ConcurrentBag<Guid>();
        await using var writing = await TestStore.OpenAsync(options, Counter.Store);
        var owners = new[] { await OwnerAsync(), await OwnerAsync() };
        using var stop = new CancellationTokenSource(run.Duration);
        var streams = Enumerable.Range(0, Streams).Select(_ => VideoId.New(TimeProvider.System.GetUtcNow())).ToArray();
        var appending = Enumerable
            .Range(0, Appenders)
            .Select(n => AppendAsync(writing, new Random(run.Seed + n), streams, acknowledged, stop.Token))
            .ToList();
        var faults = new List<string>();
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(random.Next(300, 1500), CancellationToken.None);
            if (!stop.IsCancellationRequested)
                faults.Add(await BreakAsync(random, owners));
        }

        network.Restore();
        try
        {
            await Task.WhenAll(appending);
            await CheckAsync(owners[0], acknowledged);
        }
        catch (Exception e)
        {
            Assert.Fail(
                $"{run.Name}; {string.Join(", ", faults)}; readers: {owners[0].Health.Trouble} / "
                    + $"{owners[1].Health.Trouble}\n{e}"
            );
        }
        finally
        {
            foreach (var owner in owners)
                await owner.DisposeAsync();
        }
    }

    private Task<TestStore> OwnerAsync() =>
        TestStore.OpenAsync(options, Counter.Store, broker.Bootstrap, withDaemon: true);

    private async Task<string> BreakAsync(Random random, TestStore[] owners)
    {
        switch (random.Next(6))
        {
            case 0:
                cluster = await PostgresKill.KillAndStartAsync(folder, port, Server);
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
                await TryAsync(() =>
                    ExecuteAsync(
                        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() "
                            + $"and application_name like 'eventstream%' and pid % 3 = {random.Next(3)}"
                    )
                );
                return "a third of the backends ended";
            case 4:
                await broker.RestartAsync(abruptly: true);
                return "broker killed and started";
            default:
                var which = random.Next(2);
                await owners[which].DisposeAsync();
                await UntilAsync(async () => owners[which] = await OwnerAsync());
                return $"owner {which} restarted";
        }
    }

    /// <summary>A command whose answer is lost is given again under its id until there is one.</summary>
    private static async Task AppendAsync(
        TestStore store,
        Random random,
        VideoId[] streams,
        ConcurrentBag<Guid> acknowledged,
        CancellationToken stop
    )
    {
        while (!stop.IsCancellationRequested)
        {
            var (id, command, many) = (streams[random.Next(Streams)], Guid.NewGuid(), random.Next(1, 5));
            await UntilAsync(() =>
                store
                    .Decider<Counter>()
                    .DecideAsync(
                        id.Value,
                        counter => Enumerable.Range(counter.Count + 1, many).Select(n => Counter.Event(id, n)),
                        EventMetadata.None,
                        CancellationToken.None,
                        command
                    )
            );
            for (var i = 0; i < many; i++)
                acknowledged.Add(EventIds.Of(command, i));
            await Task.Delay(random.Next(10), CancellationToken.None);
        }
    }

    private async Task CheckAsync(TestStore store, IReadOnlyCollection<Guid> acknowledged)
    {
        var stored = new List<string>();
        await UntilAsync(async () => stored = await RelayCheck.StoredAsync(store));
        Assert.Equal(acknowledged.Count, stored.Count);
        Assert.True(
            stored.Select(row => Guid.Parse(row.AsSpan(0, 36))).ToHashSet().SetEquals(acknowledged),
            "Acknowledged events are missing."
        );
        await UntilAsync(() => store.WaitAsync("counted"));
        await UntilAsync(() => store.WaitAsync(KafkaRelay.ReaderName));
        Assert.Equal(
            stored
                .GroupBy(row => row.Split('|')[1])
                .Select(stream => $"{stream.Key}|{stream.Count()}")
                .Order(StringComparer.Ordinal),
            await store.RowsAsync("select id, data -> 'count' from mt_doc_counted order by id::text")
        );
        await RelayCheck.EverythingOnceAsync(stored, broker.Bootstrap);
    }

    private static Task UntilAsync(Func<Task> action) =>
        Wait.UntilAsync("it succeeds once nothing is broken", () => TryAsync(action), Patience);

    private static async Task<bool> TryAsync(Func<Task> action)
    {
        try
        {
            await action();
            return true;
        }
        catch (Exception e) when (Broken(e))
        {
            return false;
        }
    }

    private static bool Broken(Exception? e) =>
        e
            is NpgsqlException
                or IOException
                or TimeoutException
                or System.Net.Sockets.SocketException
                or OperationCanceledException
        || e?.InnerException is { } inner && Broken(inner);

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(cluster.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
