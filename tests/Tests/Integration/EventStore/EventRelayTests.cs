using Confluent.Kafka;
using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Daemon;
using EventStream.EventStore.Relay;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>The relay between a real PostgreSQL and a real broker, read back as a reader of committed records
/// does.</summary>
[Trait("Category", "Integration")]
public sealed class EventRelayTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private StoreRig rig = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        rig = await StoreRig.StartAsync("relay");
        await RelayCheck.CreateTopicAsync(broker.Bootstrap, Topics.VideoEvents);
    }

    public async Task DisposeAsync()
    {
        await rig.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Events_of_routed_categories_are_relayed_once_in_order_per_stream_and_others_are_not()
    {
        await StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 6).Select(stream => AppendAsync($"video-{stream}", 40)));
        await AppendAsync("encode-1", 3);
        await AppendAsync("videos-1", 3);
        await AppendAsync("video-last", 1);
        await RelayedAsync();
        Assert.Equal(241, (await RelayCheck.EverythingOnceAsync(rig, broker.Bootstrap)).Count);
    }

    [Fact]
    public async Task A_relay_that_died_between_Kafkas_commit_and_its_checkpoint_repeats_nothing()
    {
        var relay = await StartAsync();
        await AppendAsync("video-1", 30);
        await AppendAsync("video-2", 30);
        await RelayedAsync();
        await rig.StopAsync(relay);
        // What such a death leaves: records on the topics, and a checkpoint of before.
        await rig.ExecuteAsync("update checkpoints set position = 17 where reader = 'kafka-relay'");
        await StartAsync();
        await AppendAsync("video-1", 5);
        await RelayedAsync();
        Assert.Equal(65, (await RelayCheck.EverythingOnceAsync(rig, broker.Bootstrap)).Count);
    }

    [Fact]
    public async Task A_former_owner_that_was_only_slow_is_fenced_and_leaves_nothing_on_the_topic()
    {
        await AppendAsync("video-1", 3);
        var events = new List<RecordedEvent>();
        await foreach (var recorded in rig.Store.FetchStreamAsync("video-1")) events.Add(recorded);
        var kafka = new KafkaOptions { Bootstrap = broker.Bootstrap };
        var id = $"eventstream-relay-{rig.Options.Schema}";
        using var former = await RelayProducer.OpenAsync(kafka, id, NullLogger.Instance, default);
        await StartAsync();
        await RelayedAsync();
        var route = new RelayRoute("video", Topics.VideoEvents);
        await Assert.ThrowsAnyAsync<KafkaException>(() => former.SendAsync(
            [.. events.Select(e => (Topics.VideoEvents.Name, RelayRecords.Of(e, route, "/former", replay: false)))],
            default));
        Assert.Equal(3, (await RelayCheck.EverythingOnceAsync(rig, broker.Bootstrap)).Count);
    }

    [Fact]
    public async Task A_store_that_is_new_relays_everything_to_a_topic_that_an_earlier_store_filled()
    {
        var relay = await StartAsync();
        await AppendAsync("video-old", 20);
        await RelayedAsync();
        await rig.StopAsync(relay);
        await using var next = await StoreRig.StartAsync("relaynext");
        await next.AppendAsync("video-new", SampleEvents.Registered(), SampleEvents.Uploaded());
        await next.RelayAsync(broker.Bootstrap, new RelayRoute("video", Topics.VideoEvents));
        await next.WaitAsync(EventRelay.ReaderName);
        var records = await TopicContents.ReadAsync(broker.Bootstrap, Topics.VideoEvents.Name);
        Assert.Equal([1L, 2L], records.Where(r => r.Key == "new").Select(r => r.Version));
        Assert.Equal(20, records.Count(r => r.Key == "old"));
    }

    [Fact]
    public async Task Of_two_relays_one_works_and_the_other_takes_over_when_it_stops()
    {
        await using var other = await StoreRig.OpenAsync(rig.Options);
        var first = await StartAsync();
        await StoreRig.EventuallyAsync(() => Task.FromResult(first.Owns(EventRelay.ReaderName)));
        var second = await other.RelayAsync(broker.Bootstrap, new RelayRoute("video", Topics.VideoEvents));
        await AppendAsync("video-1", 5);
        await RelayedAsync();
        Assert.False(second.Owns(EventRelay.ReaderName));
        await rig.StopAsync(first);
        await AppendAsync("video-1", 5);
        await RelayedAsync();
        Assert.True(second.Owns(EventRelay.ReaderName));
        Assert.Equal(10, (await RelayCheck.EverythingOnceAsync(rig, broker.Bootstrap)).Count);
    }

    [Fact]
    public async Task A_replay_is_told_as_one_and_the_relay_goes_on_behind_it_as_before()
    {
        var relay = await StartAsync();
        await AppendAsync("video-1", 3);
        await AppendAsync("video-2", 3);
        await RelayedAsync();
        await rig.StopAsync(relay);
        var replay = new StoreReplay(
            new KafkaOptions { Bootstrap = broker.Bootstrap }, [new RelayRoute("video", Topics.VideoEvents)],
                rig.Services);
        Assert.Equal(3, await replay.RunAsync("video-2", 0, long.MaxValue, null, default));
        Assert.Equal(2, await replay.RunAsync(null, 1, 3, null, default));
        await StartAsync();
        await AppendAsync("video-2", 1);
        await RelayedAsync();
        var records = await TopicContents.ReadAsync(broker.Bootstrap, Topics.VideoEvents.Name);
        Assert.Equal(5, records.Count(r => r.Replay));
        Assert.Equal(7, (await RelayCheck.EverythingOnceAsync(rig, broker.Bootstrap)).Count);
    }

    [ApacheKafkaFact]
    public async Task On_Apache_Kafka_every_event_is_relayed_once_over_restarts_of_the_relay()
    {
        var bootstrap = await ApacheKafka.BootstrapAsync();
        var topic = Topics.VideoEvents with { Name = $"relay-{Guid.NewGuid():N}" };
        await RelayCheck.CreateTopicAsync(bootstrap, topic);
        var appending = Task.WhenAll(Enumerable.Range(0, 4).Select(stream => AppendAsync($"video-{stream}", 60)));
        for (var restart = 0; restart < 3; restart++)
        {
            var relay = await rig.RelayAsync(bootstrap, new RelayRoute("video", topic));
            await StoreRig.EventuallyAsync(() => Task.FromResult(relay.Owns(EventRelay.ReaderName)));
            await rig.StopAsync(relay);
            await rig.ExecuteAsync("update checkpoints set position = 0 where reader = 'kafka-relay'");
        }

        await appending;
        await rig.RelayAsync(bootstrap, new RelayRoute("video", topic));
        await RelayedAsync();
        Assert.Equal(240, (await RelayCheck.EverythingOnceAsync(rig, bootstrap, topic.Name)).Count);
    }

    private Task<ProjectionDaemon> StartAsync() =>
        rig.RelayAsync(broker.Bootstrap, new RelayRoute("video", Topics.VideoEvents));

    private Task RelayedAsync() => rig.WaitAsync(EventRelay.ReaderName);

    private async Task AppendAsync(string stream, int count)
    {
        for (var i = 0; i < count; i++) await rig.AppendAsync(stream, SampleEvents.Published());
    }
}
