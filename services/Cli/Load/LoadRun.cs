namespace EventStream.Cli.Load;

/// <summary>Viewers wanted and present at a moment of the run; time in seconds since its start.</summary>
public sealed record LoadSample(double Seconds, double Wanted, int Present);

/// <summary>
/// Keeps as many simulated viewers as the daily curve wants: starts some when there are too few and lets some leave
/// when there are too many. It stops by itself at the end of the curve.
/// </summary>
public sealed class LoadRun(LoadOptions options, TimeProvider clock)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    /// <summary>Starts or departures of one tick, so that a crowd never comes in one burst.</summary>
    private const int ChangesPerTickMax = 40;

    /// <summary>Time that viewers have to leave at the end.</summary>
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(15);

    private readonly LoadCounters counters = new();
    private readonly List<(Task Watching, CancellationTokenSource Leave)> present = [];
    private readonly Random random = new(options.Seed);

    /// <summary>Runs to the end of the curve; <paramref name="progress"/> gets a sample once a second.</summary>
    public async Task<LoadCounters> RunAsync(Action<LoadSample, LoadCounters>? progress, CancellationToken cancellation)
    {
        using var http = new HttpClient(
            new SocketsHttpHandler
            {
                MaxConnectionsPerServer = 256,
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
            }
        );
        http.Timeout = TimeSpan.FromSeconds(30);
        http.DefaultRequestHeaders.UserAgent.ParseAdd("eventstream-load/1.0");
        var curve = new DailyCurve(options.ViewersPeak, options.Seed);
        var (started, next) = (clock.GetTimestamp(), TimeSpan.Zero);
        using var timer = new PeriodicTimer(Tick, clock);
        for (var elapsed = TimeSpan.Zero; elapsed < options.Day * options.Days; elapsed = clock.GetElapsedTime(started))
        {
            var wanted = curve.ViewersAt(elapsed / options.Day);
            Regulate((int)Math.Round(wanted), http, cancellation);
            if (elapsed >= next)
            {
                progress?.Invoke(new LoadSample(elapsed.TotalSeconds, wanted, present.Count), counters);
                next = elapsed + TimeSpan.FromSeconds(1);
            }

            await timer.WaitForNextTickAsync(cancellation);
        }

        await LeaveAsync(cancellation);
        return counters;
    }

    private void Regulate(int wanted, HttpClient http, CancellationToken cancellation)
    {
        foreach (var gone in present.Where(viewer => viewer.Watching.IsCompleted))
            gone.Leave.Dispose();
        present.RemoveAll(viewer => viewer.Watching.IsCompleted);
        for (var i = 0; i < ChangesPerTickMax && present.Count < wanted; i++)
        {
            var leave = new CancellationTokenSource();
            var viewer = new SimulatedViewer(http, options, counters, clock, new Random(random.Next()));
            present.Add((Task.Run(() => viewer.WatchAsync(leave.Token, cancellation), cancellation), leave));
        }

        var staying = present.Where(viewer => !viewer.Leave.IsCancellationRequested).ToList();
        foreach (var viewer in staying.Take(Math.Min(ChangesPerTickMax, staying.Count - wanted)))
            viewer.Leave.Cancel();
    }

    private async Task LeaveAsync(CancellationToken cancellation)
    {
        foreach (var (_, leave) in present)
            await leave.CancelAsync();
        await Task.WhenAll(present.Select(viewer => viewer.Watching))
            .WaitAsync(LeaveTimeout, clock, cancellation)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
