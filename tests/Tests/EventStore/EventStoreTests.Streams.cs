using EventStream.Contracts;
using EventStream.EventStore;

namespace EventStream.Tests.EventStore;

/// <summary>Streams as wholes: several in one append, ranges, state, archive, tombstone, tenants.</summary>
public abstract partial class EventStoreTests
{
    [Fact]
    public async Task Several_streams_are_appended_to_in_one_transaction()
    {
        var (a, b, c) = (NewStream(), NewStream(), NewStream());
        await Append(b, ExpectedVersion.NoStream, 2);
        var results = await Store.AppendManyAsync(
            [
                new(c, ExpectedVersion.NoStream, NewEvents(3)), new(b, ExpectedVersion.Exactly(2), NewEvents(1)),
                new(a, ExpectedVersion.Any, NewEvents(2)),
            ],
            EventMetadata.None, None);
        Assert.Equal([3L, 3, 2], results.Select(result => result.Version));
        foreach (var (stream, result) in new[] { c, b, a }.Zip(results))
            Assert.Equal((result.Version, result.Position), (await Read(stream))[^1] is var e ? (e.Version, e.Position)
                : default);
    }

    [Fact]
    public async Task An_append_to_several_streams_happens_wholly_or_not_at_all()
    {
        var (a, b, c) = (NewStream(), NewStream(), NewStream());
        await Append(b, ExpectedVersion.NoStream, 1);
        var e = await Assert.ThrowsAsync<WrongExpectedVersionException>(() => Store.AppendManyAsync(
            [
                new(a, ExpectedVersion.NoStream, NewEvents(1)), new(b, ExpectedVersion.Exactly(7), NewEvents(1)),
                new(c, ExpectedVersion.NoStream, NewEvents(1)),
            ],
            EventMetadata.None, None));
        Assert.Equal((b, 1L), (e.Stream, e.Actual));
        Assert.Empty(await Read(a));
        Assert.Empty(await Read(c));
        Assert.Single(await Read(b));
    }

    [Fact]
    public async Task An_append_to_several_streams_that_is_repeated_is_stored_once()
    {
        StreamAppend[] appends =
        [
            new(NewStream(), ExpectedVersion.NoStream, NewEvents(2)),
            new(NewStream(), ExpectedVersion.Any, NewEvents(1)),
        ];
        var first = await Store.AppendManyAsync(appends, EventMetadata.None, None);
        var again = await Store.AppendManyAsync(appends, EventMetadata.None, None);
        Assert.Equal(first.Select(result => result with { Repeated = true }), again);
        Assert.Equal(2, (await Read(appends[0].Stream)).Count);
        Assert.Single(await Read(appends[1].Stream));
    }

    [Fact]
    public async Task Writers_of_the_same_streams_in_any_order_never_wait_for_each_other_for_ever()
    {
        string[] streams = [NewStream(), NewStream(), NewStream()];
        await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => Store.AppendManyAsync(
            [.. streams.OrderBy(stream => StringComparer.Ordinal.GetHashCode(stream) ^ i).Select(stream =>
                new StreamAppend(stream, ExpectedVersion.Any, NewEvents(1)))],
            EventMetadata.None, None))));
        foreach (var stream in streams) Assert.Equal(12, (await Read(stream)).Count);
    }

    [Fact]
    public async Task Of_many_appends_at_once_each_gets_its_own_answer()
    {
        var used = NewEvents(1);
        await Store.AppendAsync(NewStream(), ExpectedVersion.NoStream, used, EventMetadata.None, None);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 48).Select(i => Task.Run(async () =>
        {
            try
            {
                var expected = i % 3 == 1 ? ExpectedVersion.Exactly(5) : ExpectedVersion.NoStream;
                var events = i % 3 == 2 ? used : NewEvents(2);
                var result = await Store.AppendAsync(NewStream(), expected, events, EventMetadata.None, None);
                return $"{i % 3} version {result.Version}";
            }
            catch (EventStoreException e)
            {
                return $"{i % 3} {e.GetType().Name}";
            }
        })));
        Assert.Equal(
            ["0 version 2", "1 WrongExpectedVersionException", "2 DuplicateEventException"],
            outcomes.Distinct().Order());
        await Eventually(async () => (await Log()).Count == 33);
    }

    [Fact]
    public async Task An_append_names_each_stream_once_and_has_bounds()
    {
        var stream = NewStream();
        await Assert.ThrowsAsync<InvalidAppendException>(() => Store.AppendManyAsync(
            [new(stream, ExpectedVersion.Any, NewEvents(1)), new(stream, ExpectedVersion.Any, NewEvents(1))],
            EventMetadata.None, None));
        await Assert.ThrowsAsync<InvalidAppendException>(() => Store.AppendManyAsync([], EventMetadata.None, None));
        var large = Enumerable.Range(0, 20).Select(_ => new NewEvent(Guid.NewGuid(), new VideoRejected(
            VideoId.New(Now), new string('x', 1_000_000), "", Now))).ToList();
        var e = await Assert.ThrowsAsync<InvalidAppendException>(() =>
            Store.AppendAsync(stream, ExpectedVersion.Any, large, EventMetadata.None, None));
        Assert.Contains("split it", e.Message, StringComparison.Ordinal);
        var one = new VideoRejected(VideoId.New(Now), new string('x', 2_000_000), "", Now);
        e = await Assert.ThrowsAsync<InvalidAppendException>(() => Store.AppendAsync(
            stream, ExpectedVersion.Any, [new(Guid.NewGuid(), one)], EventMetadata.None, None));
        Assert.Contains("exceeds", e.Message, StringComparison.Ordinal);
        Assert.Null(await Store.FetchStreamStateAsync(stream, None));
    }

    [Fact]
    public async Task A_stream_reads_between_versions_and_up_to_a_time()
    {
        var stream = NewStream();
        await Append(stream, ExpectedVersion.NoStream, 3);
        var then = (await Read(stream))[^1].RecordedAt;
        await Eventually(() => TimeProvider.System.GetUtcNow() > then);
        await Append(stream, ExpectedVersion.Exactly(3), 3);
        Assert.Equal([2L, 3, 4], await Versions(stream, new() { FromVersion = 2, ToVersion = 4 }));
        Assert.Equal([1L, 2, 3], await Versions(stream, new() { ToTime = then }));
        Assert.Equal([6L], await Versions(stream, StreamRange.From(6)));
        Assert.Empty(await Versions(stream, StreamRange.From(7)));
        Assert.Empty(await Versions(stream, new() { ToTime = then.AddYears(-1) }));
    }

    [Fact]
    public async Task A_stream_longer_than_a_page_reads_whole()
    {
        var stream = NewStream();
        for (var i = 0; i < 3; i++) await Append(stream, ExpectedVersion.Exactly(i * 700), 700);
        Assert.Equal(Enumerable.Range(1, 2100).Select(v => (long)v), await Versions(stream, StreamRange.All));
        Assert.Equal(Enumerable.Range(999, 1003).Select(v => (long)v),
            await Versions(stream, new() { FromVersion = 999, ToVersion = 2001 }));
        // Ranges that end where a page does.
        foreach (var full in (int[])[250, 1250])
        {
            Assert.Equal(full, (await Versions(stream, new() { ToVersion = full })).Count);
            Assert.Equal(full, (await Versions(stream, new() { FromVersion = 2101 - full })).Count);
        }
    }

    [Fact]
    public async Task The_state_of_a_stream_tells_version_type_and_times()
    {
        var stream = NewStream();
        Assert.Null(await Store.FetchStreamStateAsync(stream, None));
        await Append(stream, ExpectedVersion.NoStream, 1);
        var first = await Store.FetchStreamStateAsync(stream, None);
        await Append(stream, ExpectedVersion.Exactly(1), 2);
        var second = await Store.FetchStreamStateAsync(stream, None);
        Assert.Equal((3L, "video", StreamLife.Active), (second!.Version, second.Type, second.Life));
        Assert.Equal(first!.CreatedAt, second.CreatedAt);
        Assert.Equal((await Read(stream))[^1].RecordedAt, second.UpdatedAt);
    }

    [Fact]
    public async Task An_archived_stream_takes_no_events_and_reads_as_empty_until_it_is_restored()
    {
        var stream = NewStream();
        var events = NewEvents(2);
        await Store.AppendAsync(stream, ExpectedVersion.NoStream, events, EventMetadata.None, None);
        await Store.ArchiveAsync(stream, None);
        await Store.ArchiveAsync(stream, None);
        Assert.Equal(StreamLife.Archived, (await Store.FetchStreamStateAsync(stream, None))!.Life);
        Assert.Empty(await Read(stream));
        Assert.Equal([1L, 2], await Versions(stream, new() { IncludeArchived = true }));
        await Assert.ThrowsAsync<StreamArchivedException>(() => Append(stream, ExpectedVersion.Exactly(2), 1));
        await Assert.ThrowsAsync<StreamArchivedException>(() => Store.AppendManyAsync(
            [new(NewStream(), ExpectedVersion.Any, NewEvents(1)), new(stream, ExpectedVersion.Any, NewEvents(1))],
            EventMetadata.None, None));
        await Store.RestoreAsync(stream, None);
        Assert.Equal(3, (await Append(stream, ExpectedVersion.Exactly(2), 1)).Version);
    }

    [Fact]
    public async Task Readers_of_the_log_see_archived_streams_so_that_what_is_rebuilt_equals_what_was_kept()
    {
        var stream = NewStream();
        await Append(stream, ExpectedVersion.NoStream, 2);
        await Store.ArchiveAsync(stream, None);
        await Eventually(async () => (await Log()).Count(e => e.Stream == stream) == 2);
    }

    [Fact]
    public async Task A_tombstone_removes_what_was_said_and_ends_the_stream_for_ever()
    {
        var (stream, other) = (NewStream(), NewStream());
        await Append(stream, ExpectedVersion.NoStream, 3);
        await Append(other, ExpectedVersion.NoStream, 1);
        await Store.TombstoneAsync(stream, "asked by its publisher", None);
        await Store.TombstoneAsync(stream, "asked again", None);
        Assert.Empty(await Versions(stream, new() { IncludeArchived = true }));
        var state = await Store.FetchStreamStateAsync(stream, None);
        Assert.Equal((StreamLife.Tombstoned, 4L), (state!.Life, state.Version));
        foreach (var expected in new[] { ExpectedVersion.Any, ExpectedVersion.Exactly(4), ExpectedVersion.NoStream })
            await Assert.ThrowsAsync<StreamTombstonedException>(() => Append(stream, expected, 1));
        await Assert.ThrowsAsync<StreamTombstonedException>(() => Store.RestoreAsync(stream, None));
        await Eventually(async () => (await Log()).Any(e => e.Stream == stream && e.Version == 4));
        var told = Assert.Single(await Log(), e => e.Stream == stream);
        Assert.Equal("asked by its publisher", Assert.IsType<StreamTombstoned>(told.Data).Reason);
        Assert.Single(await Read(other));
    }

    [Fact]
    public async Task What_happens_to_streams_needs_a_stream()
    {
        await Assert.ThrowsAsync<StreamNotFoundException>(() => Store.ArchiveAsync(NewStream(), None));
        await Assert.ThrowsAsync<StreamNotFoundException>(() => Store.RestoreAsync(NewStream(), None));
        await Assert.ThrowsAsync<StreamNotFoundException>(() => Store.TombstoneAsync(NewStream(), "", None));
    }

    [Fact]
    public async Task A_tenant_never_sees_the_streams_of_another()
    {
        var (stream, events) = (NewStream(), NewEvents(2));
        var (acme, zenith) = (Store.ForTenant("acme"), Store.ForTenant("zenith"));
        await acme.AppendAsync(stream, ExpectedVersion.NoStream, events, EventMetadata.None, None);
        // The same name and the same ids are free for another tenant.
        await zenith.AppendAsync(stream, ExpectedVersion.NoStream, [events[0]], EventMetadata.None, None);
        Assert.Equal(2, (await Versions(stream, StreamRange.All, acme)).Count);
        Assert.Single(await Versions(stream, StreamRange.All, zenith));
        Assert.Empty(await Read(stream));
        Assert.Null(await Store.FetchStreamStateAsync(stream, None));
        await zenith.TombstoneAsync(stream, "", None);
        await Assert.ThrowsAsync<StreamNotFoundException>(() => Store.ArchiveAsync(stream, None));
        await acme.SaveSnapshotAsync(stream, new("s", 2, "{}"u8.ToArray()), None);
        Assert.Null(await zenith.LoadSnapshotAsync(stream, "s", None));
        Assert.Equal(2, (await Versions(stream, StreamRange.All, acme)).Count);
        await Eventually(async () => (await Log()).Count(e => e.Stream == stream && e.Tenant == "acme") == 2);
        Assert.All(await Log(), e => Assert.Contains(e.Tenant, (string[])["acme", "zenith", Tenants.Default]));
        Assert.Throws<ArgumentException>(() => Store.ForTenant(" "));
    }

    /// <summary>The whole log, page by page.</summary>
    protected async Task<List<RecordedEvent>> Log()
    {
        var log = new List<RecordedEvent>();
        while (await Store.ReadAllAsync(log.LastOrDefault()?.Position ?? 0, 500, None) is { Count: > 0 } page)
            log.AddRange(page);
        return log;
    }

    private async Task<List<long>> Versions(string stream, StreamRange range, IEventStore? store = null)
    {
        var versions = new List<long>();
        await foreach (var e in (store ?? Store).FetchStreamAsync(stream, range)) versions.Add(e.Version);
        return versions;
    }
}
