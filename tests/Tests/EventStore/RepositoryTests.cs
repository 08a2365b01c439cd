using EventStream.Contracts;
using EventStream.EventStore;
using EventStream.EventStore.Memory;

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

    private static VideoPublished Fact() => new(Id, Now);
}
