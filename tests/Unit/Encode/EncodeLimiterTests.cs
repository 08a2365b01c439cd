using EventStream.Encode.Worker;

namespace EventStream.Unit.Tests.Encode;

public class EncodeLimiterTests
{
    private static readonly DateTimeOffset T0 = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task In_a_lane_the_older_goes_first_then_the_smaller()
    {
        var limiter = new EncodeLimiter(TimeProvider.System);
        var order = new List<string>();
        var held = await limiter.EnterAsync(default, CancellationToken.None);
        var waiting = new[]
        {
            Pass("big", new Turn(false, T0, 900)),
            Pass("later", new Turn(false, T0.AddSeconds(1), 1)),
            Pass("small", new Turn(false, T0, 100)),
        };
        held.Dispose();
        await Task.WhenAll(waiting);
        Assert.Equal(["small", "big", "later"], order);

        async Task Pass(string name, Turn turn)
        {
            using var inside = await limiter.EnterAsync(turn, CancellationToken.None);
            order.Add(name);
        }
    }

    [Fact]
    public async Task One_that_gives_up_waiting_is_passed_over()
    {
        var limiter = new EncodeLimiter(TimeProvider.System);
        var held = await limiter.EnterAsync(default, CancellationToken.None);
        using var cancel = new CancellationTokenSource();
        var impatient = limiter.EnterAsync(new Turn(false, T0, 0), cancel.Token);
        var patient = limiter.EnterAsync(new Turn(false, T0.AddSeconds(1), 0), CancellationToken.None);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        Assert.False(patient.IsCompleted);
        held.Dispose();
        held.Dispose();
        (await patient).Dispose();
        (await limiter.EnterAsync(default, CancellationToken.None)).Dispose();
    }

    [Fact]
    public async Task A_task_of_the_first_lane_begins_beside_one_of_the_other()
    {
        var limiter = new EncodeLimiter(TimeProvider.System);
        using var ordinary = await limiter.EnterAsync(new Turn(false, T0, 0), CancellationToken.None);
        using var first = await limiter.EnterAsync(new Turn(true, T0, 0), CancellationToken.None);
        var second = limiter.EnterAsync(new Turn(true, T0, 0), CancellationToken.None);
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
    }

    [Fact]
    public async Task A_first_lane_that_never_empties_does_not_starve_the_other()
    {
        var limiter = new EncodeLimiter(TimeProvider.System, TimeSpan.FromMilliseconds(50));
        using var first = await limiter.EnterAsync(new Turn(true, T0, 0), CancellationToken.None);
        var ordinary = limiter.EnterAsync(new Turn(false, T0, 0), CancellationToken.None);
        Assert.False(ordinary.IsCompleted);
        (await ordinary.WaitAsync(TimeSpan.FromSeconds(30))).Dispose();
    }

    [Fact]
    public async Task Between_two_tasks_of_the_first_lane_none_of_the_other_slips_in()
    {
        var limiter = new EncodeLimiter(TimeProvider.System);
        var first = await limiter.EnterAsync(new Turn(true, T0, 0), CancellationToken.None);
        var ordinary = limiter.EnterAsync(new Turn(false, T0, 0), CancellationToken.None);
        first.Dispose();
        var second = await limiter.EnterAsync(new Turn(true, T0.AddHours(1), 0), CancellationToken.None);
        Assert.False(ordinary.IsCompleted);
        second.Dispose();
        (await ordinary.WaitAsync(TimeSpan.FromSeconds(30))).Dispose();
    }
}
