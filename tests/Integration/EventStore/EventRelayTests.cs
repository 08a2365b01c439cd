using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Relay;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>
/// The relay between a real PostgreSQL and a real broker, read back as a reader of committed records does.
/// </summary>
public sealed class EventRelayTests : IAsyncLifetime
{
    private readonly Guid[] streams = [.. Enumerable.Range(0, 6).Select(_ => Guid.NewGuid())];
    private TestBroker broker = null!;
    private TestStore writing = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        await RelayCheck.CreateTopicAsync(broker.Bootstrap, Topics.VideoEvents);
        await RelayCheck.CreateTopicAsync(broker.Bootstrap, Topics.EncodeEvents);
        writing = await TestStore.StartAsync("relay", Counter.Store);
    }

    public async Task DisposeAsync()
    {
        await writing.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Everything_is_relayed_once_in_order_per_stream()
    {
        await using var relay = await RelayAsync();
        await Task.WhenAll(streams.Select(stream => AppendAsync(stream, 40)));
        await RelayedAsync(relay);
        Assert.Equal(240, (await RelayCheck.EverythingOnceAsync(writing, broker.Bootstrap)).Count);
    }

    [Fact]
    public async Task Each_message_goes_where_its_route_says_and_stays_in_the_store_without_one()
    {
        var store = Counter.Store with
        {
            Relay = new(
                [Topics.VideoEvents, Topics.EncodeEvents],
                e =>
                    e.Version switch
                    {
                        1 => new RelayTarget(Topics.VideoEvents, "first"),
                        2 => new RelayTarget(Topics.EncodeEvents, "second"),
                        _ => null,
                    }
            ),
        };
        await using var relay = await RelayAsync(store);
        await AppendAsync(streams[0], 3);
        await RelayedAsync(relay);
        var first = Assert.Single(await TopicContents.ReadAsync(broker.Bootstrap, Topics.VideoEvents.Name));
        var second = Assert.Single(await TopicContents.ReadAsync(broker.Bootstrap, Topics.EncodeEvents.Name));
        Assert.Equal([("first", 1L), ("second", 2L)], [(first.Key, first.Version), (second.Key, second.Version)]);
    }

    [Fact]
    public async Task A_relay_that_died_between_Kafkas_commit_and_its_progress_repeats_nothing()
    {
        await using (var relay = await RelayAsync())
        {
            await AppendAsync(streams[0], 30);
            await AppendAsync(streams[1], 30);
            await RelayedAsync(relay);
        }

        // What such a death leaves: records on the topics, and progress of before.
        await writing.RowsAsync($"update mt_event_progression set last_seq_id = 17 where name = '{Reader}'");
        await using var next = await RelayAsync();
        await AppendAsync(streams[0], 5);
        await RelayedAsync(next);
        Assert.Equal(65, (await RelayCheck.EverythingOnceAsync(writing, broker.Bootstrap)).Count);
    }

    [Fact]
    public async Task A_former_owner_that_was_only_slow_is_fenced_and_leaves_nothing_on_the_topic()
    {
        await AppendAsync(streams[0], 3);
        var kafka = new KafkaOptions { Bootstrap = broker.Bootstrap };
        using var former = await RelayProducer.OpenAsync(
            kafka,
            $"eventstream-relay-{writing.Options.Schema}",
            NullLogger.Instance,
            default
        );
        await using var relay = await RelayAsync();
        await RelayedAsync(relay);
        await using var session = writing.Documents.QuerySession();
        var events = await session.Events.FetchStreamAsync(streams[0]);
        await Assert.ThrowsAnyAsync<KafkaException>(() =>
            former.SendAsync(
                [
                    .. events.Select(e =>
                        (
                            Topics.VideoEvents.Name,
                            RelayRecords.Of(e, new RelayTarget(Topics.VideoEvents, "former"), "/former", replay: false)
                        )
                    ),
                ],
                default
            )
        );
        Assert.Equal(3, (await RelayCheck.EverythingOnceAsync(writing, broker.Bootstrap)).Count);
    }

    [Fact]
    public async Task A_store_that_is_new_relays_everything_to_a_topic_that_an_earlier_store_filled()
    {
        await using (var relay = await RelayAsync())
        {
            await AppendAsync(streams[0], 20);
            await RelayedAsync(relay);
        }

        await using var next = await TestStore.StartAsync(
            "relaynext",
            Counter.Store,
            broker.Bootstrap,
            withDaemon: true
        );
        var id = new VideoId(streams[1]);
        for (var i = 0; i < 2; i++)
            await next.Decider<Counter>().DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, default);
        await RelayedAsync(next);
        var records = await TopicContents.ReadAsync(broker.Bootstrap, Topics.VideoEvents.Name);
        Assert.Equal([1L, 2L], records.Where(r => r.Key == $"{streams[1]}").Select(r => r.Version));
        Assert.Equal(20, records.Count(r => r.Key == $"{streams[0]}"));
    }

    [Fact]
    public async Task Of_two_relays_one_works_and_the_other_takes_over_when_it_stops()
    {
        var first = await RelayAsync();
        await AppendAsync(streams[0], 5);
        await RelayedAsync(first);
        await using var second = await RelayAsync();
        await AppendAsync(streams[0], 5);
        await RelayedAsync(first);
        await first.DisposeAsync();
        await AppendAsync(streams[0], 5);
        await RelayedAsync(second);
        Assert.Equal(15, (await RelayCheck.EverythingOnceAsync(writing, broker.Bootstrap)).Count);
    }

    [Fact]
    public async Task A_broker_that_is_away_is_told_and_nothing_is_lost_meanwhile()
    {
        await using var relay = await RelayAsync();
        await AppendAsync(streams[0], 5);
        await RelayedAsync(relay);
        Assert.Null(relay.Health.Trouble);
        await broker.Running.StopAsync();
        await AppendAsync(streams[0], 5);
        await Wait.UntilAsync(
            "the relay says that Kafka is away",
            () => relay.Health.Trouble?.Contains("Kafka", StringComparison.Ordinal) == true
        );
        await broker.RestartAsync(abruptly: false);
        await RelayedAsync(relay);
        await Wait.UntilAsync("the relay is well again", () => relay.Health.Trouble is null);
        Assert.Equal(10, (await RelayCheck.EverythingOnceAsync(writing, broker.Bootstrap)).Count);
    }

    [Fact]
    public async Task Events_of_a_stream_that_was_archived_meanwhile_reach_the_topic()
    {
        await AppendAsync(streams[0], 3);
        await using (var session = writing.Documents.LightweightSession())
        {
            session.Events.ArchiveStream(streams[0]);
            await session.SaveChangesAsync();
        }

        await using var relay = await RelayAsync();
        await RelayedAsync(relay);
        Assert.Equal(3, (await TopicContents.ReadAsync(broker.Bootstrap, Topics.VideoEvents.Name)).Count);
    }

    [ApacheKafkaFact]
    public async Task On_Apache_Kafka_every_event_is_relayed_once_over_restarts_of_the_relay()
    {
        var bootstrap = await ApacheKafka.BootstrapAsync();
        var topic = Topics.VideoEvents with { Name = $"relay-{Guid.NewGuid():N}" };
        var store = Counter.Store with { Relay = RelayRoutes.All(topic) };
        await RelayCheck.CreateTopicAsync(bootstrap, topic);
        var appending = Task.WhenAll(streams.Take(4).Select(stream => AppendAsync(stream, 60)));
        for (var restart = 0; restart < 3; restart++)
        {
            await using (var relay = await TestStore.OpenAsync(writing.Options, store, bootstrap, withDaemon: true))
                await RelayedAsync(relay);
            await writing.RowsAsync($"delete from mt_event_progression where name = '{Reader}'");
        }

        await appending;
        await using var last = await TestStore.OpenAsync(writing.Options, store, bootstrap, withDaemon: true);
        await RelayedAsync(last);
        Assert.Equal(240, (await RelayCheck.EverythingOnceAsync(writing, bootstrap, topic.Name)).Count);
    }

    private const string Reader = $"{KafkaRelay.ReaderName}:All";

    private Task<TestStore> RelayAsync(ServiceStore? store = null) =>
        TestStore.OpenAsync(writing.Options, store ?? Counter.Store, broker.Bootstrap, withDaemon: true);

    private static Task RelayedAsync(TestStore relay) => relay.WaitAsync(KafkaRelay.ReaderName);

    private async Task AppendAsync(Guid stream, int count)
    {
        var id = new VideoId(stream);
        for (var i = 0; i < count; i++)
            await writing.Decider<Counter>().DecideAsync(stream, c => c.Add(id), EventMetadata.None, default);
    }
}
