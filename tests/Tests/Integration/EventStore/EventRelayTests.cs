using System.Collections.Concurrent;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Readers;
using EventStream.EventStore.Relay;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>
/// The relay on a real PostgreSQL. Its publisher notes what is acknowledged and can fail: what reaches a real topic
/// is seen in VideoLifeTests.
/// </summary>
[Trait("Category", "Integration")]
public sealed class EventRelayTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly Log log = new();
    private NpgsqlDataSource source = null!;
    private PostgresOptions options = null!;
    private PostgresEventStore store = null!;
    private AppendSignal signal = null!;

    public async Task InitializeAsync()
    {
        options = await PostgresFixture.OptionsAsync("relay");
        source = options.CreateDataSource();
        await new Migrator(source, options.Schema).ApplyAsync("store", typeof(IEventStore).Assembly, "EventStore.Sql",
            None);
        signal = new AppendSignal(source, options.Schema, NullLogger<AppendSignal>.Instance);
        await signal.StartAsync(None);
        store = new PostgresEventStore(
            source, new HighWater(source), signal, new StoreOptions { MasterKey = options.MasterKey });
    }

    public async Task DisposeAsync()
    {
        await signal.StopAsync(None);
        await source.DisposeAsync();
    }

    [Fact]
    public async Task Events_of_routed_categories_are_relayed_in_order_per_stream_and_others_are_not()
    {
        await using var relay = await StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 6).Select(stream => AppendAsync($"video-{stream}", 40)));
        await AppendAsync("encode-1", 3);
        await AppendAsync("videos-1", 3);
        await AppendAsync("video-last", 1);
        await Eventually(() => log.Records.Any(r => r.Key == "last"));
        Assert.Equal(241, log.Records.Count);
        foreach (var stream in log.Records.GroupBy(r => r.Key))
            Assert.Equal(await IdsAsync($"video-{stream.Key}"), stream.Select(r => r.Id));
    }

    [Fact]
    public async Task A_relay_whose_broker_fails_and_that_is_restarted_again_and_again_loses_nothing()
    {
        var random = new Random(11);
        log.Fails = () => random.Next(20) == 0;
        var appending = Task.WhenAll(Enumerable.Range(0, 4).Select(stream => AppendAsync($"video-{stream}", 60)));
        for (var restart = 0; restart < 4; restart++)
        {
            await using var relay = await StartAsync();
            await Task.Delay(random.Next(50, 400));
        }

        await appending;
        log.Fails = () => false;
        await using var last = await StartAsync();
        await Eventually(() => log.Records.Select(r => r.Id).Distinct().Count() == 240);
        for (var stream = 0; stream < 4; stream++)
        {
            // A reader that skips ids it has seen sees each event once; a batch sent again comes whole and in order.
            var seen = log.Records.Where(r => r.Key == $"{stream}").Select(r => r.Id).ToHashSet();
            Assert.Equal((await IdsAsync($"video-{stream}")).Order(), seen.Order());
        }
    }

    [Fact]
    public async Task A_restart_without_failures_repeats_nothing()
    {
        await using (await StartAsync())
        {
            await AppendAsync("video-1", 30);
            await Eventually(() => log.Records.Count == 30);
            await Eventually(() => CheckpointIsAtEnd());
        }

        await using var again = await StartAsync();
        await AppendAsync("video-1", 1);
        await Eventually(() => log.Records.Count >= 31);
        Assert.Equal(31, log.Records.Count);
    }

    [Fact]
    public async Task Of_two_relays_one_works_and_the_other_takes_over_when_it_stops()
    {
        var first = await StartAsync();
        await Eventually(() => first.Relay.IsOwner);
        await using var second = await StartAsync();
        await AppendAsync("video-1", 5);
        await Eventually(() => log.Records.Count == 5);
        Assert.False(second.Relay.IsOwner);
        await first.DisposeAsync();
        await AppendAsync("video-1", 5);
        await Eventually(() => second.Relay.IsOwner && log.Records.Count == 10);
    }

    [Fact]
    public async Task A_former_owner_cannot_move_the_checkpoint()
    {
        var former = await Checkpoint.TakeAsync(source, "x", None);
        var owner = await Checkpoint.TakeAsync(source, "x", None);
        await owner.MoveAsync(5, None);
        await Assert.ThrowsAsync<OwnershipLostException>(() => former.MoveAsync(9, None));
        Assert.Equal(5, (await Checkpoint.TakeAsync(source, "x", None)).Position);
    }

    private bool CheckpointIsAtEnd()
    {
        using var command = source.CreateCommand("select position from checkpoints where reader = 'kafka-relay'");
        return command.ExecuteScalar() is 30L;
    }

    private async Task<Running> StartAsync()
    {
        var highWater = new HighWater(source);
        var own = new PostgresEventStore(source, highWater, signal, new StoreOptions { MasterKey = options.MasterKey });
        var relay = new EventRelay(
            log, [new RelayRoute("video", Topics.VideoEvents)],
            new ReaderServices(own, source, options, highWater, TimeProvider.System, NullLoggerFactory.Instance));
        await relay.StartAsync(None);
        return new Running(relay);
    }

    private async Task AppendAsync(string stream, int count)
    {
        var now = TimeProvider.System.GetUtcNow();
        for (var i = 0; i < count; i++)
        {
            var e = new NewEvent(Guid.NewGuid(), new VideoPublished(VideoId.New(now), now));
            await store.AppendAsync(stream, ExpectedVersion.Any, [e], EventMetadata.None, None);
        }
    }

    private async Task<List<string>> IdsAsync(string stream)
    {
        var ids = new List<string>();
        await foreach (var e in store.FetchStreamAsync(stream)) ids.Add(e.Id.ToString("D"));
        return ids;
    }

    private static async Task Eventually(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition()) await Task.Delay(10, patience.Token);
    }

    private sealed record Running(EventRelay Relay) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Relay.StopAsync(None);
            Relay.Dispose();
        }
    }

    /// <summary>
    /// Acknowledges and notes records in the order in which they were handed over, and fails when told to.
    /// </summary>
    private sealed class Log : IEventPublisher
    {
        private readonly ConcurrentQueue<(string Key, string Id)> records = new();

        public Func<bool> Fails { get; set; } = () => false;

        public IReadOnlyCollection<(string Key, string Id)> Records => records;

        public async Task PublishAsync(
            Topic topic, string key, IMessage message, DateTimeOffset time, CancellationToken cancellation,
            PublishOptions? options = null)
        {
            Assert.Equal(Topics.VideoEvents, topic);
            lock (records)
            {
                if (Fails()) throw new PublishException(topic.Name,
                    new Confluent.Kafka.Error(Confluent.Kafka.ErrorCode.Local_MsgTimedOut));
                records.Enqueue((key, options!.EventId!));
            }

            await Task.Yield();
        }
    }
}
