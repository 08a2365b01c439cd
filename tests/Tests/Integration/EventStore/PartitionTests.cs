using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Postgres;
using EventStream.Tests.Kit;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EventStream.Tests.Integration.EventStore;

/// <summary>The store from one partition into the next.</summary>
[Trait("Category", "Integration")]
public sealed class PartitionTests : IAsyncLifetime
{
    private const long Size = EventPartitions.Size;
    private static readonly CancellationToken None = CancellationToken.None;
    private NpgsqlDataSource source = null!;
    private PostgresEventStore store = null!;

    public async Task InitializeAsync()
    {
        var options = await PostgresFixture.QuietOptionsAsync("partitions");
        source = options.CreateDataSource();
        await new Migrator(source, options.Schema).ApplyAsync("store", typeof(IEventStore).Assembly, "EventStore.Sql",
            None);
        store = new PostgresEventStore(
            source, new HighWater(source), new AppendSignal(source, options.Schema, NullLogger<AppendSignal>.Instance),
            new StoreOptions { MasterKey = options.MasterKey });
    }

    public async Task DisposeAsync()
    {
        store.Dispose();
        await source.DisposeAsync();
    }

    [Fact]
    public async Task The_program_and_the_schema_agree_on_the_size_of_a_partition() =>
        Assert.Equal(Size, await ScalarAsync("select events_per_partition()"));

    [Fact]
    public async Task Writers_cross_from_one_partition_into_the_next_and_lose_nothing()
    {
        await AppendAsync("video-early", 0, 3);
        await ScalarAsync($"select setval('event_positions', {Size - 20})");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            for (var version = 0; version < 20; version += 4) await AppendAsync($"video-{i}", version, 4);
        })));
        Assert.Equal(163L, await ScalarAsync("select count(*) from events"));
        Assert.Equal(141L, await ScalarAsync("select count(*) from events_p00001"));
        var log = await LogAsync();
        Assert.Equal(163, log.Count);
        Assert.All(log.GroupBy(e => e.Stream), stream =>
            Assert.Equal(Enumerable.Range(1, stream.Count()).Select(v => (long)v), stream.Select(e => e.Version)));
        // The partition after the next is made ahead of need, by whoever first wrote into this one.
        while (await ScalarAsync("select to_regclass('events_p00002')::text") is not string) await Task.Delay(10, None);
    }

    [Fact]
    public async Task A_partition_that_nobody_made_is_made_by_the_append_that_needs_it()
    {
        await ScalarAsync($"select setval('event_positions', {7 * Size})");
        await Task.WhenAll(Enumerable.Range(0, 6).Select(i => AppendAsync($"video-{i}", 0, 2)));
        Assert.Equal(12L, await ScalarAsync("select count(*) from events_p00007"));
        Assert.Equal(12, (await LogAsync()).Count);
        var several = await store.AppendManyAsync(
            [new("video-0", ExpectedVersion.Exactly(2), [New()]), new("video-x", ExpectedVersion.Any, [New()])],
            EventMetadata.None, None);
        Assert.Equal([3L, 1], several.Select(result => result.Version));
    }

    [Fact]
    public async Task A_repeated_append_is_recognised_over_partitions()
    {
        List<NewEvent> events = [New(), New()];
        var first = await store.AppendAsync("video-1", ExpectedVersion.Any, events, EventMetadata.None, None);
        await ScalarAsync($"select setval('event_positions', {3 * Size})");
        await AppendAsync("video-1", 2, 1);
        first = first with { Repeated = true };
        Assert.Equal(first, await store.AppendAsync("video-1", ExpectedVersion.Any, events, EventMetadata.None, None));
        Assert.Equal(first,
            await store.AppendAsync("video-1", ExpectedVersion.Exactly(3), events, EventMetadata.None, None));
        Assert.Equal(first, await store.AppendAsync(
            "video-1", ExpectedVersion.Exactly(3), [events[1]], EventMetadata.None, None));
        await Assert.ThrowsAsync<DuplicateEventException>(() => store.AppendAsync(
            "video-1", ExpectedVersion.Exactly(3), [events[1], New()], EventMetadata.None, None));
    }

    [Fact]
    public async Task A_stream_whose_beginning_was_moved_out_says_so()
    {
        await AppendAsync("video-1", 0, 2);
        await ScalarAsync($"select setval('event_positions', {Size})");
        await AppendAsync("video-1", 2, 1);
        await AppendAsync("video-2", 0, 1);
        await ScalarAsync("alter table events detach partition events_p00000");
        var e = await Assert.ThrowsAsync<MissingEventsException>(() => ReadAsync("video-1"));
        Assert.Contains("attach the partition", e.Message, StringComparison.Ordinal);
        Assert.Single(await ReadAsync("video-2"));
        Assert.Equal(2, (await LogAsync()).Count);
        await ScalarAsync($"alter table events attach partition events_p00000 for values from (minvalue) to ({Size})");
        Assert.Equal(3, (await ReadAsync("video-1")).Count);
    }

    private Task<AppendResult> AppendAsync(string stream, long version, int count) => store.AppendAsync(
        stream, ExpectedVersion.Exactly(version), [.. Enumerable.Range(0, count).Select(_ => New())],
        EventMetadata.None, None);

    private async Task<List<RecordedEvent>> ReadAsync(string stream)
    {
        var events = new List<RecordedEvent>();
        await foreach (var e in store.FetchStreamAsync(stream)) events.Add(e);
        return events;
    }

    private async Task<List<RecordedEvent>> LogAsync()
    {
        var log = new List<RecordedEvent>();
        var last = (long)(await ScalarAsync("select max(position) from events"))!;
        while (log.Count == 0 || log[^1].Position < last)
            log.AddRange(await store.ReadAllAsync(log.LastOrDefault()?.Position ?? 0, 50, None));
        return log;
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(None);
    }

    private static NewEvent New() => new(
        Guid.NewGuid(), new VideoPublished(VideoId.New(DateTimeOffset.UnixEpoch), DateTimeOffset.UnixEpoch));
}
