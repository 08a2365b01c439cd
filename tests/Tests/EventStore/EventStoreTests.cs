using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Upcasting;

namespace EventStream.Tests.EventStore;

/// <summary>What every event store does; the classes below run it in memory and on PostgreSQL.</summary>
public abstract partial class EventStoreTests : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    protected static readonly CancellationToken None = CancellationToken.None;

    protected IEventStore Store { get; set; } = null!;

    /// <summary>Another handle on what <see cref="Store"/> holds, which reads it with these options.</summary>
    protected abstract IEventStore Reopen(Upcasters upcasters);

    public abstract Task InitializeAsync();

    public abstract Task DisposeAsync();

    [Fact]
    public async Task A_new_stream_starts_at_version_one()
    {
        var result = await Append(NewStream(), ExpectedVersion.NoStream, 1);
        Assert.Equal(1, result.Version);
    }

    [Fact]
    public async Task A_stream_reads_back_what_was_appended_in_order()
    {
        var stream = NewStream();
        await Append(stream, ExpectedVersion.NoStream, 3);
        await Append(stream, ExpectedVersion.Exactly(3), 2);
        var events = await Read(stream);
        Assert.Equal([1L, 2, 3, 4, 5], events.Select(e => e.Version));
        Assert.Equal(events.Select(e => e.Position).Order(), events.Select(e => e.Position));
        Assert.All(events, e => Assert.Equal("video.published.v1", e.WireName));
    }

    [Fact]
    public async Task A_stream_that_does_not_exist_reads_as_empty() => Assert.Empty(await Read(NewStream()));

    [Fact]
    public async Task A_stream_reads_from_a_version()
    {
        var stream = NewStream();
        await Append(stream, ExpectedVersion.NoStream, 4);
        var events = new List<RecordedEvent>();
        await foreach (var e in Store.FetchStreamAsync(stream, StreamRange.From(3))) events.Add(e);
        Assert.Equal([3L, 4], events.Select(e => e.Version));
    }

    [Fact]
    public async Task A_stream_cannot_start_with_zero_events() =>
        await Assert.ThrowsAsync<InvalidAppendException>(() => Append(NewStream(), ExpectedVersion.NoStream, 0));

    [Fact]
    public async Task An_append_cannot_have_more_events_than_the_bound() =>
        await Assert.ThrowsAsync<InvalidAppendException>(() => Append(NewStream(), ExpectedVersion.NoStream, 1001));

    [Fact]
    public async Task A_stream_that_exists_cannot_be_started_again()
    {
        var stream = NewStream();
        await Append(stream, ExpectedVersion.NoStream, 2);
        var e = await Assert.ThrowsAsync<WrongExpectedVersionException>(() =>
            Append(stream, ExpectedVersion.NoStream, 1));
        Assert.Equal((stream, ExpectedVersion.NoStream, 2L), (e.Stream, e.Expected, e.Actual));
    }

    [Fact]
    public async Task An_append_with_an_old_version_is_refused_and_changes_nothing()
    {
        var stream = NewStream();
        await Append(stream, ExpectedVersion.NoStream, 2);
        var e = await Assert.ThrowsAsync<WrongExpectedVersionException>(() =>
            Append(stream, ExpectedVersion.Exactly(1), 1));
        Assert.Equal(2, e.Actual);
        Assert.Equal(2, (await Read(stream)).Count);
    }

    [Fact]
    public async Task An_append_to_a_stream_that_should_exist_and_does_not_is_refused()
    {
        var stream = NewStream();
        var e = await Assert.ThrowsAsync<WrongExpectedVersionException>(() =>
            Append(stream, ExpectedVersion.Exists, 1));
        Assert.Equal(0, e.Actual);
        await Assert.ThrowsAsync<WrongExpectedVersionException>(() => Append(stream, ExpectedVersion.Exactly(4), 1));
        Assert.Empty(await Read(stream));
    }

    [Fact]
    public async Task Any_and_exists_append_to_what_is_there()
    {
        var stream = NewStream();
        await Append(stream, ExpectedVersion.Any, 1);
        await Append(stream, ExpectedVersion.Any, 1);
        Assert.Equal(3, (await Append(stream, ExpectedVersion.Exists, 1)).Version);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-2)]
    public async Task The_same_append_twice_is_stored_once_and_answers_the_same(long expected)
    {
        var stream = NewStream();
        var events = NewEvents(3);
        var first = await Store.AppendAsync(stream, Version(expected), events, EventMetadata.None, None);
        var again = await Store.AppendAsync(stream, Version(expected), events, EventMetadata.None, None);
        Assert.Equal(first with { Repeated = true }, again);
        Assert.Equal(3, (await Read(stream)).Count);
    }

    [Fact]
    public async Task An_append_is_recognised_again_after_later_ones()
    {
        var stream = NewStream();
        var events = NewEvents(2);
        var first = await Store.AppendAsync(stream, ExpectedVersion.NoStream, events, EventMetadata.None, None);
        await Append(stream, ExpectedVersion.Exactly(2), 1);
        Assert.Equal(first with { Repeated = true },
            await Store.AppendAsync(stream, ExpectedVersion.NoStream, events, EventMetadata.None, None));
    }

    [Fact]
    public async Task An_event_id_cannot_be_used_in_two_streams()
    {
        var events = NewEvents(1);
        await Store.AppendAsync(NewStream(), ExpectedVersion.NoStream, events, EventMetadata.None, None);
        var other = NewStream();
        await Assert.ThrowsAsync<DuplicateEventException>(
            () => Store.AppendAsync(other, ExpectedVersion.NoStream, events, EventMetadata.None, None));
        Assert.Empty(await Read(other));
    }

    [Fact]
    public async Task An_append_that_is_known_only_in_part_is_refused()
    {
        var stream = NewStream();
        var events = NewEvents(1);
        await Store.AppendAsync(stream, ExpectedVersion.NoStream, events, EventMetadata.None, None);
        await Assert.ThrowsAsync<DuplicateEventException>(() => Store.AppendAsync(
            stream, ExpectedVersion.Any, [.. events, .. NewEvents(1)], EventMetadata.None, None));
        Assert.Single(await Read(stream));
    }

    [Fact]
    public async Task Metadata_and_data_come_back_as_they_were()
    {
        var stream = NewStream();
        var metadata =
            new EventMetadata("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "request", "cause", "ünï");
        var data =
            new VideoRegistered(VideoId.New(Now), "Blender", "A \"title\" \u0001 🎬", "b.mp4", long.MaxValue, Now);
        await Store.AppendAsync(stream, ExpectedVersion.NoStream, [new NewEvent(Guid.NewGuid(), data)], metadata, None);
        var recorded = Assert.Single(await Read(stream));
        Assert.Equal(metadata, recorded.Metadata);
        Assert.Equal(data, recorded.Data);
    }

    [Fact]
    public async Task Of_many_writers_that_expect_the_same_version_exactly_one_wins()
    {
        var stream = NewStream();
        var wins = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            try
            {
                await Append(stream, ExpectedVersion.NoStream, 2);
                return 1;
            }
            catch (WrongExpectedVersionException e)
            {
                Assert.Equal(2, e.Actual);
                return 0;
            }
        })));
        Assert.Equal(1, wins.Sum());
        Assert.Equal(2, (await Read(stream)).Count);
    }

    [Fact]
    public async Task Readers_of_all_streams_miss_nothing_and_see_each_stream_in_order_while_writers_append()
    {
        var writers = Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            var stream = NewStream();
            for (var i = 0; i < 25; i++) await Append(stream, ExpectedVersion.Any, 1 + (i % 3));
        })));
        var seen = new List<RecordedEvent>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!writers.IsCompleted || seen.Count < 8 * 49)
        {
            seen.AddRange(await Store.ReadAllAsync(seen.LastOrDefault()?.Position ?? 0, 50, patience.Token));
        }

        await writers;
        Assert.Equal(8 * 49, seen.Count);
        Assert.All(
            seen.GroupBy(e => e.Stream),
            stream => Assert.Equal(Enumerable.Range(1, 49).Select(v => (long)v), stream.Select(e => e.Version)));
    }

    protected async Task<List<RecordedEvent>> Read(string stream)
    {
        var events = new List<RecordedEvent>();
        await foreach (var e in Store.FetchStreamAsync(stream)) events.Add(e);
        return events;
    }

    protected Task<AppendResult> Append(string stream, ExpectedVersion expected, int count) =>
        Store.AppendAsync(stream, expected, NewEvents(count), EventMetadata.None, None);

    /// <summary>Readers see an append when the high-water mark has passed it.</summary>
    protected static async Task Eventually(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition()) await Task.Delay(10, patience.Token);
    }

    protected static Task Eventually(Func<bool> condition) => Eventually(() => Task.FromResult(condition()));

    protected static string NewStream() => $"video-{Guid.NewGuid()}";

    protected static List<NewEvent> NewEvents(int count) =>
        [.. Enumerable.Range(0, count).Select(_ =>
            new NewEvent(Guid.NewGuid(), new VideoPublished(VideoId.New(Now), Now)))];

    private static ExpectedVersion Version(long code) => code == 0 ? ExpectedVersion.NoStream : ExpectedVersion.Any;
}
