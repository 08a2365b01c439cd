using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Relay;
using EventStream.Tests.Kit;
using JasperFx.Events;
using Marten;
using Npgsql;

namespace EventStream.Integration.Tests.EventStore;

/// <summary>Each setting that guards a guarantee, by name; reasons are in <see cref="MartenSettings"/>.</summary>
public sealed class MartenSettingsTests : IAsyncLifetime
{
    private TestStore store = null!;

    private Marten.StoreOptions Options => ((DocumentStore)store.Documents).Options;

    public async Task InitializeAsync() => store = await TestStore.StartAsync("settings", Counter.Store, "127.0.0.1:1");

    public async Task DisposeAsync() => await store.DisposeAsync();

    [Fact]
    public void The_relay_and_read_models_keep_one_page_in_flight()
    {
        var readers = Options.Projections.AllShards();
        Assert.Equal(["counted", KafkaRelay.ReaderName], readers.Select(reader => reader.Name.Name).Order());
        Assert.All(readers, reader => Assert.Equal(1, reader.Options.MaximumHopperSize));
    }

    [Fact]
    public void Appends_do_not_notify_and_the_daemon_polls()
    {
        Assert.False(Options.Events.UseListenNotifyForEventAppends);
        Assert.Equal(MartenSettings.PollInterval, Options.Projections.FastPollingTime);
        Assert.Equal(MartenSettings.PollInterval, Options.Projections.SlowPollingTime);
        Assert.InRange(MartenSettings.PollInterval, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(25));
    }

    [Fact]
    public async Task Sequences_go_beyond_two_to_the_31()
    {
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        await store.RowsAsync("select setval('mt_events_sequence', 3000000000)");

        await store.Decider<Counter>().DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, default);

        Assert.True(await store.Status.NewestAsync(default) > int.MaxValue);
    }

    [Fact]
    public async Task Ids_in_events_make_no_tag_tables()
    {
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        await store.Decider<Counter>().DecideAsync(id.Value, c => c.Add(id), EventMetadata.None, default);

        Assert.DoesNotContain(
            await store.RowsAsync(
                $"select table_name from information_schema.tables where table_schema = '{store.Options.Schema}'"
            ),
            table => table.Contains("tag", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void Appends_are_quick_and_take_the_servers_clock() =>
        Assert.Equal(EventAppendMode.QuickWithServerTimestamps, Options.Events.AppendMode);

    [Fact]
    public void Connections_prepare_statements_and_do_not_multiplex()
    {
        var pool = new NpgsqlConnectionStringBuilder(store.Source.ConnectionString);
        Assert.Equal((64, 2, false), (pool.MaxAutoPrepare, pool.AutoPrepareMinUsages, pool.Multiplexing));
    }

    [Fact]
    public void The_relay_takes_archived_events() => Assert.True(store.Get<KafkaRelay>().IncludeArchivedEvents);

    [Fact]
    public void Nothing_that_cannot_be_read_is_passed_over()
    {
        var errors = Options.Projections.Errors;
        Assert.False(errors.SkipApplyErrors || errors.SkipSerializationErrors || errors.SkipUnknownEvents);
    }

    [Fact]
    public async Task Every_message_is_stored_under_its_frozen_name_and_read_back()
    {
        IMessage[] samples =
        [
            .. MessageTypes.Names.Select(name =>
                MessageTypes.Read(
                    name,
                    System.Text.Encoding.UTF8.GetBytes(Samples.Of(MessageTypes.Of(MessageTypes.TypeOf(name)!)))
                )
            ),
        ];
        var id = Guid.NewGuid();
        await using (var session = store.Documents.LightweightSession())
        {
            session.Events.StartStream(id, samples);
            await session.SaveChangesAsync();
        }

        await using var reading = store.Documents.QuerySession();
        var events = await reading.Events.FetchStreamAsync(id);
        Assert.Equal(MessageTypes.Names.Order(), events.Select(e => e.EventTypeName).Order());
        Assert.Equal(
            samples.Select(MessageTypes.Write).Select(System.Text.Encoding.UTF8.GetString),
            events.Select(e => System.Text.Encoding.UTF8.GetString(MessageTypes.Write((IMessage)e.Data)))
        );
    }
}
