using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.Tests.Kit;
using Marten.Services;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>
/// What readers meet: positions that become visible late, positions without an event, and progress that another
/// process moved.
/// </summary>
public sealed class ReaderTests
{
    /// <summary>Marten's daemon looks at a gap for three seconds before it asks whose it is.</summary>
    private static readonly TimeSpan OpenFor = TimeSpan.FromSeconds(6);

    [Fact]
    public async Task An_append_that_commits_late_is_not_passed_over()
    {
        await using var broker = await TestBroker.StartAsync();
        await RelayCheck.CreateTopicAsync(broker.Bootstrap, Topics.VideoEvents);
        await using var store = await TestStore.StartAsync("late", Counter.Store, broker.Bootstrap, withDaemon: true);
        var (late, early) = (VideoId.New(DateTimeOffset.UnixEpoch), VideoId.New(DateTimeOffset.UnixEpoch.AddDays(1)));
        await using var connection = await store.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var session = store.Documents.LightweightSession(SessionOptions.ForTransaction(transaction)))
        {
            session.Events.StartStream(late.Value, Counter.Event(late, 1));
            await session.SaveChangesAsync();
        }

        await store.Decider<Counter>().DecideAsync(early.Value, c => c.Add(early), EventMetadata.None, default);
        var waited = System.Diagnostics.Stopwatch.StartNew();
        await Wait.UntilAsync(
            "readers waited for the open transaction",
            async () =>
            {
                Assert.Equal(
                    [],
                    (await TopicContents.ReadAsync(broker.Bootstrap, Topics.VideoEvents.Name)).Select(r => r.Key)
                );
                return waited.Elapsed > OpenFor;
            }
        );
        await transaction.CommitAsync();
        await store.WaitAsync("kafka-relay");
        await RelayCheck.EverythingOnceAsync(store, broker.Bootstrap);
        await store.WaitAsync("counted");
        Assert.Equal(["2"], await store.RowsAsync("select count(*) from mt_doc_counted"));
    }

    [Fact]
    public async Task A_tombstone_in_the_place_of_a_failed_append_is_passed_over()
    {
        await using var broker = await TestBroker.StartAsync();
        await RelayCheck.CreateTopicAsync(broker.Bootstrap, Topics.VideoEvents);
        await using var store = await TestStore.StartAsync(
            "given_up",
            Counter.Store,
            broker.Bootstrap,
            withDaemon: true
        );
        var id = VideoId.New(DateTimeOffset.UnixEpoch);
        await store.Decider<Counter>().DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, default);
        await using (var session = store.Documents.LightweightSession())
        {
            session.Events.StartStream(Guid.NewGuid(), new JasperFx.Events.Tombstone());
            await session.SaveChangesAsync();
        }

        await store.Decider<Counter>().DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, default);
        await store.WaitAsync("kafka-relay");
        Assert.Equal(2, (await RelayCheck.EverythingOnceAsync(store, broker.Bootstrap)).Count);
        await store.WaitAsync("counted");
        Assert.Equal(["2"], await store.RowsAsync("select data -> 'count' from mt_doc_counted"));
    }

    [Fact]
    public async Task A_reader_whose_progress_another_process_moved_begins_again()
    {
        await using var broker = await TestBroker.StartAsync();
        await RelayCheck.CreateTopicAsync(broker.Bootstrap, Topics.VideoEvents);
        await using var store = await TestStore.StartAsync("moved", Counter.Store, broker.Bootstrap, withDaemon: true);
        var id = VideoId.New(DateTimeOffset.UnixEpoch);
        await store.Decider<Counter>().DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, default);
        await store.WaitAsync("kafka-relay");
        await store.RowsAsync("delete from mt_event_progression where name = 'kafka-relay:All'");
        await store.Decider<Counter>().DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, default);
        await store.WaitAsync("kafka-relay");
        Assert.Equal(2, (await RelayCheck.EverythingOnceAsync(store, broker.Bootstrap)).Count);
    }
}
