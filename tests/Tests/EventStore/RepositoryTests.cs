using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Memory;
using EventStream.Tests.Kit;

namespace EventStream.Tests.EventStore;

public sealed class RepositoryTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly VideoId Id = VideoId.New(Now);
    private static readonly Aggregate<int> Counter = new("count", 0, (count, _) => count + 1);
    private readonly InMemoryEventStore store = new(TimeProvider.System);

    [Fact]
    public async Task A_decision_sees_the_fold_of_all_events()
    {
        var repository = new Repository<int>(store, Counter);
        await repository.DecideAsync("a", _ => [Fact(), Fact()], EventMetadata.None, default);
        var decided = await repository.DecideAsync("a", count =>
            count == 2 ? [Fact()] : [], EventMetadata.None, default);
        Assert.Equal((3, 3L), (decided.State, decided.Version));
    }

    [Fact]
    public async Task A_decision_without_events_changes_nothing()
    {
        var decided = await new Repository<int>(store, Counter).DecideAsync("a", _ => [], EventMetadata.None, default);
        Assert.Equal((0L, 0), (decided.Version, decided.Events.Count));
    }

    [Fact]
    public async Task Writers_of_one_stream_all_succeed_by_deciding_again()
    {
        var repository = new Repository<int>(store, Counter);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(
            _ => Task.Run(() => repository.DecideAsync("a", _ => [Fact()], EventMetadata.None, default))));
        Assert.Equal(4, (await repository.LoadAsync("a", default)).State);
    }

    [Fact]
    public async Task A_writer_that_always_loses_gives_up_after_the_bound()
    {
        var attempts = 0;
        var repository = new Repository<int>(store, Counter);
        var e = await Assert.ThrowsAsync<ContendedStreamException>(() => repository.DecideAsync(
            "a",
            _ =>
            {
                attempts++;
                store.AppendAsync("count-a", ExpectedVersion.Any, [new(Guid.NewGuid(), Fact())], EventMetadata.None,
                    default)
                    .GetAwaiter().GetResult();
                return [Fact()];
            },
            EventMetadata.None, default));
        Assert.Equal((Repository<int>.AttemptsMax, attempts), (e.Attempts, attempts));
    }

    [Fact]
    public async Task The_same_command_twice_is_stored_once_even_when_the_decision_would_repeat_it()
    {
        var repository = new Repository<int>(store, Counter);
        var command = Guid.NewGuid();
        await repository.DecideAsync("a", _ => [Fact()], EventMetadata.None, default, command);
        await repository.DecideAsync("a", _ => [Fact()], EventMetadata.None, default, command);
        Assert.Equal(1, (await repository.LoadAsync("a", default)).State);
    }

    [Fact]
    public async Task A_state_can_be_loaded_as_of_a_version()
    {
        var repository = new Repository<int>(store, Counter);
        await repository.DecideAsync("a", _ => [Fact(), Fact(), Fact()], EventMetadata.None, default);
        Assert.Equal(new Loaded<int>(2, 2), await repository.LoadAsync("a", default, asOfVersion: 2));
    }

    [Fact]
    public async Task A_state_can_be_loaded_as_of_a_time()
    {
        var repository = new Repository<int>(store, Counter);
        await repository.DecideAsync("a", _ => [Fact(), Fact()], EventMetadata.None, default);
        var then = (await store.FetchStreamStateAsync("count-a", default))!.UpdatedAt;
        Assert.Equal(new Loaded<int>(2, 2), await repository.LoadAsync("a", default, asOf: then));
        Assert.False((await repository.LoadAsync("a", default, asOf: then.AddTicks(-1))).Exists);
    }

    [Fact]
    public async Task What_is_fetched_for_writing_appends_to_exactly_what_was_read()
    {
        var repository = new Repository<int>(store, Counter);
        var first = await repository.FetchForWritingAsync("a", default);
        var second = await repository.FetchForWritingAsync("a", default);
        await first.AppendAsync([Fact(), Fact()], EventMetadata.None, default);
        await first.AppendAsync([Fact()], EventMetadata.None, default);
        Assert.Equal((3, 3L), (first.State, first.Version));
        await Assert.ThrowsAsync<WrongExpectedVersionException>(() =>
            second.AppendAsync([Fact()], EventMetadata.None, default));
    }

    [Fact]
    public async Task A_long_stream_is_loaded_from_its_snapshot_and_what_came_after()
    {
        var repository = new Repository<int>(store, Snapshotting(every: 3));
        for (var i = 0; i < 8; i++) await repository.DecideAsync("a", _ => [Fact()], EventMetadata.None, default);
        Assert.Equal(6, (await store.LoadSnapshotAsync("count-a", "count.v1", default))!.Version);
        Assert.Equal(new Loaded<int>(8, 8), await repository.LoadAsync("a", default));
        Assert.Equal(new Loaded<int>(7, 7), await repository.LoadAsync("a", default, asOfVersion: 7));
        Assert.Equal(new Loaded<int>(2, 2), await repository.LoadAsync("a", default, asOfVersion: 2));
    }

    [Fact]
    public async Task A_snapshot_is_really_what_is_read()
    {
        var repository = new Repository<int>(store, Snapshotting(every: 100));
        await repository.DecideAsync("a", _ => [Fact(), Fact()], EventMetadata.None, default);
        await store.SaveSnapshotAsync("count-a", new Snapshot("count.v1", 2, "40"u8.ToArray()), default);
        Assert.Equal(new Loaded<int>(40, 2), await repository.LoadAsync("a", default));
    }

    [Theory]
    [InlineData("count.v0", "1")]
    [InlineData("count.v1", "\"not a number\"")]
    [InlineData("count.v1", "null")]
    public async Task A_snapshot_of_another_shape_is_passed_over(string shape, string state)
    {
        var repository = new Repository<int>(store, Snapshotting(every: 100));
        await repository.DecideAsync("a", _ => [Fact(), Fact()], EventMetadata.None, default);
        await store.SaveSnapshotAsync(
            "count-a", new Snapshot(shape, 2, System.Text.Encoding.UTF8.GetBytes(state)), default);
        Assert.Equal(new Loaded<int>(2, 2), await repository.LoadAsync("a", default));
    }

    [Fact]
    public async Task Live_aggregation_folds_a_range()
    {
        await store.StartStreamAsync("count-a", [Fact(), Fact(), Fact()], EventMetadata.None, default);
        Assert.Equal(new Loaded<int>(2, 2),
            await store.AggregateStreamAsync(Counter, "a", new StreamRange { ToVersion = 2 }));
        Assert.Equal(new Loaded<int>(3, 3), await store.AggregateStreamAsync(Counter, "a"));
        await Assert.ThrowsAsync<WrongExpectedVersionException>(() =>
            store.StartStreamAsync("count-a", [Fact()], EventMetadata.None, default));
    }

    [Fact]
    public async Task A_kept_state_is_decided_on_and_given_up_when_another_writer_came_first()
    {
        var repository = new Repository<int>(store, Counter);
        await repository.DecideAsync("a", _ => [Fact()], EventMetadata.None, default);
        await AppendBesideAsync();
        var seen = new List<int>();
        var decided = await repository.DecideAsync("a", See(seen, _ => true), EventMetadata.None, default);
        Assert.Equal((3, 3L), (decided.State, decided.Version));
        Assert.Equal([1, 2], seen);
        await repository.DecideAsync("a", See(seen, _ => true), EventMetadata.None, default);
        Assert.Equal([1, 2, 3], seen);
    }

    [Fact]
    public async Task What_changes_nothing_or_is_refused_on_a_kept_state_is_decided_on_the_stream()
    {
        var repository = new Repository<int>(store, Counter);
        await repository.DecideAsync("a", _ => [Fact()], EventMetadata.None, default);
        await AppendBesideAsync();
        var seen = new List<int>();
        var decided = await repository.DecideAsync("a", See(seen, count => count == 2), EventMetadata.None, default);
        Assert.Equal((3, 1), (decided.State, decided.Events.Count));
        await AppendBesideAsync();
        decided = await repository.DecideAsync(
            "a", count => count == 4 ? [Fact()] : throw new InvalidOperationException("old"), EventMetadata.None,
            default);
        Assert.Equal(5, decided.State);
        await Assert.ThrowsAsync<InvalidOperationException>(() => repository.DecideAsync(
            "a", _ => throw new InvalidOperationException("whatever"), EventMetadata.None, default));
    }

    [Fact]
    public async Task States_are_kept_for_a_bounded_time_and_number()
    {
        var clock = new HandClock();
        var repository = new Repository<int>(store, Counter, statesMax: 2, clock);
        var seen = new List<int>();
        async Task DecideBesideAsync()
        {
            await AppendBesideAsync();
            await repository.DecideAsync("a", See(seen, _ => true), EventMetadata.None, default);
        }

        await repository.DecideAsync("a", _ => [Fact()], EventMetadata.None, default);
        clock.Turn(TimeSpan.FromSeconds(29));
        await DecideBesideAsync();
        Assert.Equal([1, 2], seen);
        clock.Turn(TimeSpan.FromSeconds(30));
        await DecideBesideAsync();
        Assert.Equal([1, 2, 4], seen);
        foreach (var id in (string[])["b", "c"])
            await repository.DecideAsync(id, _ => [Fact()], EventMetadata.None, default);
        await DecideBesideAsync();
        Assert.Equal([1, 2, 4, 6], seen);
    }

    private Task AppendBesideAsync() => store.AppendAsync(
        "count-a", ExpectedVersion.Any, [new(Guid.NewGuid(), Fact())], EventMetadata.None, default);

    /// <summary>One fact where the state is right, noting every state that was looked at.</summary>
    private static Func<int, IEnumerable<IEvent>> See(List<int> seen, Func<int, bool> isRight) => count =>
    {
        seen.Add(count);
        return isRight(count) ? [Fact()] : [];
    };

    private static Aggregate<int> Snapshotting(int every) =>
        Counter with { Snapshots = new("count.v1", every, NumberJson.Default.Int32) };

    private static VideoPublished Fact() => new(Id, Now);
}

[System.Text.Json.Serialization.JsonSerializable(typeof(int))]
internal sealed partial class NumberJson : System.Text.Json.Serialization.JsonSerializerContext;
