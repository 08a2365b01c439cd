namespace EventStream.Embedded.Broker.Server;

/// <summary>
/// What the broker does by itself from time to time: retention, compaction, expiry and flushes, each on a timer of its
/// own, so that a long compaction holds up nothing else, and none of them twice at once.
/// </summary>
internal sealed class Housekeeping : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<ITimer> _timers = [];

    public Housekeeping(BrokerNode node)
    {
        var options = node.Options;
        Every(options.RetentionCheckInterval, options.Time, _ => node.ApplyRetention());
        Every(options.ExpiryCheckInterval, options.Time, _ => node.Expire());
        Every(options.CompactionCheckInterval, options.Time, node.Compact);
        Every(options.FlushCheckInterval, options.Time, _ => node.FlushInBackground());
    }

    /// <summary>Stops, waiting for what is being done; a compaction breaks off at the next batch.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var timer in _timers)
        {
            await timer.DisposeAsync();
        }
        _stopping.Dispose();
    }

    private void Every(TimeSpan interval, TimeProvider time, Action<CancellationToken> work)
    {
        var gate = new Lock();
        _timers.Add(
            time.CreateTimer(
                _ =>
                {
                    if (!gate.TryEnter())
                    {
                        return;
                    }
                    try
                    {
                        if (!_stopping.IsCancellationRequested)
                        {
                            work(_stopping.Token);
                        }
                    }
                    finally
                    {
                        gate.Exit();
                    }
                },
                null,
                interval,
                interval
            )
        );
    }
}
