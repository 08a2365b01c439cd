using EventStream.Cli;
using EventStream.Cli.Supervisor;

namespace EventStream.Unit.Tests.Cli;

/// <summary>A unit in memory: its process ends when the test says so.</summary>
public sealed class SupervisedTests
{
    private readonly List<string> said = [];

    [Fact]
    public async Task A_unit_that_ends_is_started_again()
    {
        var unit = new TestUnit();
        var supervised = new Supervised(unit, TimeProvider.System, Say);
        await supervised.StartAsync(CancellationToken.None);

        unit.Current.End("fell over");
        await unit.StartedAsync(2);

        await UntilAsync(() => supervised.State == UnitState.Ready);
        Assert.Equal(1, supervised.Restarts);
        Assert.Contains(said, line => line.Contains("fell over", StringComparison.Ordinal));
        await supervised.StopAsync();
    }

    [Fact]
    public async Task A_unit_that_is_stopped_stays_stopped_and_can_be_started_again()
    {
        var unit = new TestUnit();
        var supervised = new Supervised(unit, TimeProvider.System, Say);
        await supervised.StartAsync(CancellationToken.None);

        await supervised.StopAsync();
        Assert.Equal(
            (UnitState.Stopped, true, null),
            (supervised.State, unit.Current.IsDisposed, supervised.ProcessId)
        );

        await supervised.StartAsync(CancellationToken.None);
        Assert.Equal((UnitState.Ready, 0), (supervised.State, supervised.Restarts));
        await supervised.StopAsync();
    }

    [Fact]
    public async Task A_first_start_that_fails_says_why()
    {
        var supervised = new Supervised(new TestUnit { Fault = "no disk" }, TimeProvider.System, Say);

        var error = await Assert.ThrowsAsync<CommandException>(() => supervised.StartAsync(CancellationToken.None));

        Assert.Equal("no disk", error.Message);
        Assert.Equal(UnitState.Stopped, supervised.State);
    }

    [Fact]
    public async Task A_launched_unit_is_tried_again_until_it_starts()
    {
        var unit = new TestUnit { Fault = "not yet" };
        var supervised = new Supervised(unit, TimeProvider.System, Say);

        supervised.Launch();
        await UntilAsync(() => said.Contains("not yet", StringComparer.Ordinal));
        unit.Fault = null;

        await UntilAsync(() => supervised.State == UnitState.Ready);
        await supervised.StopAsync();
    }

    [Fact]
    public void The_wait_before_a_start_doubles_up_to_its_bound()
    {
        Assert.Equal(Supervised.BackOffMin, Supervised.BackOff(1));
        Assert.Equal(2 * Supervised.BackOffMin, Supervised.BackOff(2));
        Assert.Equal(Supervised.BackOffMax, Supervised.BackOff(20));
        Assert.Equal(Supervised.BackOffMax, Supervised.BackOff(1000));
    }

    [Fact]
    public async Task The_last_worker_to_come_is_the_first_to_go()
    {
        var pool = new WorkerPool(slot => new Supervised(new TestUnit(slot), TimeProvider.System, Say), 4, Say);
        await pool.StartAsync(1, CancellationToken.None);

        Assert.Equal(3, pool.Scale(3, "busy").Replicas);
        await UntilAsync(() => pool.Snapshot().All(worker => worker.State == UnitState.Ready));
        pool.Scale(2, "calm");

        await UntilAsync(() => pool.Snapshot().Count == 2);
        Assert.Equal(["worker-0", "worker-1"], pool.Snapshot().Select(worker => worker.Unit.Name));
        await pool.StopAsync();
        Assert.Empty(pool.Snapshot());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Workers_are_scaled_within_their_bounds_only(int replicas)
    {
        var pool = new WorkerPool(slot => new Supervised(new TestUnit(slot), TimeProvider.System, Say), 4, Say);

        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Scale(replicas, "wrong"));
    }

    private void Say(string line)
    {
        lock (said)
            said.Add(line);
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!holds())
            await Task.Delay(10, timeout.Token);
    }

    private sealed class TestUnit(int slot = 0) : IUnit
    {
        private int starts;

        public string Name => $"worker-{slot}";

        public IReadOnlyList<string> Roles => ["test"];

        public string? Fault { get; set; }

        public TestRunning Current { get; private set; } = new();

        public Task StartedAsync(int times) => UntilAsync(() => Volatile.Read(ref starts) >= times);

        public Task<IRunningUnit> StartAsync(CancellationToken cancellation)
        {
            if (Fault is not null)
                throw new CommandException(Fault);
            Current = new TestRunning();
            Interlocked.Increment(ref starts);
            return Task.FromResult<IRunningUnit>(Current);
        }
    }

    private sealed class TestRunning : IRunningUnit
    {
        private readonly TaskCompletionSource<string> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int ProcessId => 1;

        public bool IsDisposed { get; private set; }

        public void End(string how) => ended.SetResult(how);

        public Task<string> WaitForExitAsync(CancellationToken cancellation) => ended.Task.WaitAsync(cancellation);

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
