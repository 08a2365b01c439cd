namespace EventStream.Cli.Supervisor;

/// <summary>The state of a unit.</summary>
internal enum UnitState
{
    Stopped,
    Starting,
    Ready,
    Restarting,
    Stopping,
}

/// <summary>
/// Keeps one unit running: after its first start it is started again whenever it ends, after a wait that doubles from
/// <see cref="BackOffMin"/> to <see cref="BackOffMax"/> and is short again once it ran for <see cref="StableAfter"/>.
/// </summary>
internal sealed class Supervised(IUnit unit, TimeProvider clock, Action<string> say)
{
    public static readonly TimeSpan BackOffMin = TimeSpan.FromMilliseconds(500);
    public static readonly TimeSpan BackOffMax = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan StableAfter = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim gate = new(1);
    private CancellationTokenSource stop = new();
    private IRunningUnit? running;
    private Task watching = Task.CompletedTask;

    public IUnit Unit => unit;

    public UnitState State { get; private set; } = UnitState.Stopped;

    /// <summary>Times it was started again after it had ended by itself.</summary>
    public int Restarts { get; private set; }

    public int? ProcessId => running?.ProcessId;

    /// <summary>
    /// Starts it and returns when it is ready. Throws <see cref="CommandException"/> when the first start fails.
    /// </summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            if (State is not UnitState.Stopped)
                return;
            State = UnitState.Starting;
            stop = new CancellationTokenSource();
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stop.Token);
            running = await unit.StartAsync(both.Token);
            State = UnitState.Ready;
            watching = WatchAsync(stop.Token);
        }
        catch
        {
            State = UnitState.Stopped;
            throw;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Begins to start it in the background, and tries again while that fails.</summary>
    public void Launch()
    {
        State = UnitState.Starting;
        watching = WatchAsync(stop.Token);
    }

    /// <summary>Stops it and returns when its processes are gone.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await gate.WaitAsync();
        try
        {
            if (State is UnitState.Stopped)
                return;
            State = UnitState.Stopping;
            await watching;
            if (running is not null)
                await running.DisposeAsync();
            running = null;
            State = UnitState.Stopped;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>
    /// The wait before start number <paramref name="attempt"/> (from 1) of an unbroken series of failures.
    /// </summary>
    internal static TimeSpan BackOff(int attempt) =>
        TimeSpan.FromTicks(Math.Min(BackOffMax.Ticks, BackOffMin.Ticks << Math.Min(attempt - 1, 16)));

    private async Task WatchAsync(CancellationToken stopping)
    {
        var failures = 0;
        try
        {
            if (running is null)
                failures = await StartFirstAsync(stopping);
            while (true)
            {
                var since = clock.GetTimestamp();
                var how = await running!.WaitForExitAsync(stopping);
                if (clock.GetElapsedTime(since) > StableAfter)
                    failures = 0;
                State = UnitState.Restarting;
                say($"{unit.Name} {how}");
                await running.DisposeAsync();
                running = null;
                failures = await StartAgainAsync(failures, stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // It is being stopped, which StopAsync finishes.
        }
    }

    private async Task<int> StartFirstAsync(CancellationToken stopping)
    {
        try
        {
            running = await unit.StartAsync(stopping);
            State = UnitState.Ready;
            say($"{unit.Name} is ready");
            return 0;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            say(e.Message);
            return await StartAgainAsync(0, stopping);
        }
    }

    private async Task<int> StartAgainAsync(int failures, CancellationToken stopping)
    {
        while (true)
        {
            var wait = BackOff(++failures);
            say($"{unit.Name} is started again in {wait.TotalSeconds:0.#} s");
            await Task.Delay(wait, clock, stopping);
            try
            {
                Restarts++;
                running = await unit.StartAsync(stopping);
                State = UnitState.Ready;
                say($"{unit.Name} is ready again");
                return failures;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                say(e.Message);
            }
        }
    }
}
