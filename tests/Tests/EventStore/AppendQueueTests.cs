using System.Collections.Concurrent;
using EventStream.EventStore;
using EventStream.EventStore.Codec;
using EventStream.EventStore.Postgres;
using EventStream.EventStore.Privacy;

namespace EventStream.Tests.EventStore;

/// <summary>Which appends share a transaction, by a server that the test holds.</summary>
public sealed class AppendQueueTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly ConcurrentQueue<(string[] Streams, TaskCompletionSource<Exception?> Answer)> sent = new();
    private readonly AppendQueue queue;

    public AppendQueueTests() => queue = Open(groups: 1);

    public void Dispose() => queue.Dispose();

    [Fact]
    public async Task One_caller_waits_for_nobody_and_those_that_come_meanwhile_go_together()
    {
        var first = queue.AppendAsync(To("a"), None);
        var others = new[] { "b", "c", "d", "e" }.Select(stream => queue.AppendAsync(To(stream), None)).ToList();
        Assert.Equal(["a"], Answer());
        await first;
        Assert.Equal(["b", "c", "d"], await NextAsync());
        Assert.Equal(["e"], await NextAsync());
        Assert.Equal([2L, 3, 4, 5], (await Task.WhenAll(others)).Select(outcome => outcome.Version));
        Assert.Equal(2, (await AloneAsync("f")).Position);
    }

    [Fact]
    public async Task A_group_holds_one_append_of_a_stream()
    {
        var first = queue.AppendAsync(To("a"), None);
        var others = new[] { "b", "b", "c" }.Select(stream => queue.AppendAsync(To(stream), None)).ToList();
        Answer();
        await first;
        Assert.Equal(["b", "c"], await NextAsync());
        Assert.Equal(["b"], await NextAsync());
        await Task.WhenAll(others);
    }

    [Fact]
    public async Task One_that_is_cancelled_while_it_waits_is_never_sent()
    {
        using var cancel = new CancellationTokenSource();
        var first = queue.AppendAsync(To("a"), None);
        var gone = queue.AppendAsync(To("b"), cancel.Token);
        var stays = queue.AppendAsync(To("c"), None);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        Answer();
        await first;
        Assert.Equal(["c"], await NextAsync());
        await stays;
    }

    [Theory]
    [InlineData(2, AppendQueue.HalvesMin, new[] { "b" }, new[] { "c", "d" })]
    [InlineData(2, AppendQueue.HalvesMin - 1, new[] { "b", "c", "d" }, null)]
    [InlineData(1, AppendQueue.HalvesMin, new[] { "b", "c", "d" }, null)]
    public async Task A_group_of_many_events_goes_as_two_at_a_time_where_two_are_allowed(
        int groups, int events, string[] first, string[]? beside)
    {
        using var many = Open(groups, new HeldTime());
        var before = many.AppendAsync(To("a"), None);
        var others = new[] { To("b"), To("c", events - 2), To("d") }
            .Select(append => many.AppendAsync(append, None)).ToList();
        Answer();
        await before;
        Assert.Equal(first, await ArrivedAsync());
        Assert.True(sent.TryDequeue(out var one));
        if (beside is not null) Assert.Equal(beside, await NextAsync());
        one.Answer.SetResult(null);
        Assert.Equal([2L, 3, 4], (await Task.WhenAll(others)).Select(outcome => outcome.Version));
        // Both places are free again, though no time has passed.
        var last = many.AppendAsync(To("e"), None);
        Assert.Equal(["e"], await NextAsync());
        await last;
    }

    [Fact]
    public async Task A_lost_connection_is_told_to_all_of_a_group_and_the_next_goes_on()
    {
        var first = queue.AppendAsync(To("a"), None);
        var others = new[] { "b", "c" }.Select(stream => queue.AppendAsync(To(stream), None)).ToList();
        Answer(new IOException("lost"));
        await Assert.ThrowsAsync<IOException>(() => first);
        await NextAsync(new IOException("lost"));
        Assert.All(await Task.WhenAll(others), outcome => Assert.IsType<IOException>(outcome.Error));
        await AloneAsync("d");
    }

    [Fact]
    public async Task Those_that_wait_for_long_go_beside_what_is_under_way_as_far_as_groups_are_allowed()
    {
        var time = new HeldTime();
        using var two = Open(groups: 2, time);
        var stuck = two.AppendAsync(To("a"), None);
        Assert.True(sent.TryDequeue(out var first));
        var beside = two.AppendAsync(To("b"), None);
        Assert.Empty(sent);
        time.Pass(AppendQueue.Patience);
        var third = two.AppendAsync(To("c"), None);
        time.Pass(AppendQueue.Patience);
        Assert.Equal(["b"], Assert.Single(sent).Streams);
        Answer();
        await beside;
        Assert.Equal(["c"], await NextAsync());
        await third;
        Assert.False(stuck.IsCompleted);
        first.Answer.SetResult(null);
        await stuck;
    }

    private AppendQueue Open(int groups, TimeProvider? time = null) => new(SendAsync, new StoreOptions
    {
        MasterKey = MasterKey.Ephemeral(),
        Time = time ?? TimeProvider.System,
        GroupsMax = groups,
        GroupMax = 3,
    });

    private async Task<AppendOutcome> AloneAsync(string stream)
    {
        var outcome = queue.AppendAsync(To(stream), None);
        await NextAsync();
        return await outcome;
    }

    private async Task<AppendOutcome[]> SendAsync(IReadOnlyList<EncodedAppend> appends, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        sent.Enqueue(([.. appends.Select(append => append.Stream)], answer));
        if (await answer.Task is { } error) throw error;
        return [.. appends.Select(append => new AppendOutcome(0, append.Stream[0] - 'a' + 1, 2))];
    }

    private string[] Answer(Exception? error = null)
    {
        Assert.True(sent.TryDequeue(out var group));
        group.Answer.SetResult(error);
        return group.Streams;
    }

    private async Task<string[]> NextAsync(Exception? error = null)
    {
        await ArrivedAsync();
        return Answer(error);
    }

    private async Task<string[]> ArrivedAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (sent.TryPeek(out var group)) return group.Streams;
            await Task.Delay(1, patience.Token);
        }
    }

    private static EncodedAppend To(string stream, int events = 1) => new(
        "t", stream, ExpectedVersion.Any, [.. Enumerable.Range(0, events).Select(_ => Guid.NewGuid())],
        [.. Enumerable.Repeat("n", events)], [.. Enumerable.Repeat<byte[]>([], events)], [])
    {
        Events = [],
        Surroundings = EventMetadata.None,
    };

    /// <summary>A clock whose one timer fires when the test lets so much time pass as it was set to.</summary>
    private sealed class HeldTime : TimeProvider, ITimer
    {
        private Action fire = () => { };
        private TimeSpan due = Timeout.InfiniteTimeSpan;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (fire, due) = (() => callback(state), dueTime);
            return this;
        }

        public void Pass(TimeSpan time)
        {
            Assert.Equal(time, due);
            due = Timeout.InfiniteTimeSpan;
            fire();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            due = dueTime;
            return true;
        }

        public void Dispose() => due = Timeout.InfiniteTimeSpan;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
