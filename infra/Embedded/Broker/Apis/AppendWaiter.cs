using EventStream.Embedded.Broker.Log;

namespace EventStream.Embedded.Broker.Apis;

/// <summary>Waits, up to a limit in all, for the next append to any of the logs that it listens to.</summary>
internal sealed class AppendWaiter : IAppendListener, IDisposable
{
    private readonly ITimer _timer;
    private readonly CancellationTokenRegistration _cancellation;
    private volatile TaskCompletionSource<bool> _next = NewSource();
    private volatile bool _timedOut;

    public AppendWaiter(TimeProvider time, TimeSpan limit, CancellationToken cancellation)
    {
        _timer = time.CreateTimer(
            static waiter => ((AppendWaiter)waiter!).TimeOut(),
            this,
            limit,
            Timeout.InfiniteTimeSpan
        );
        _cancellation = cancellation.Register(static waiter => ((AppendWaiter)waiter!).TimeOut(), this);
    }

    public void OnAppend() => _next.TrySetResult(true);

    /// <summary>True after an append, false when the time is over.</summary>
    public async ValueTask<bool> WaitAsync()
    {
        if (!await _next.Task)
        {
            return false;
        }
        _next = NewSource();
        if (_timedOut)
        {
            _next.TrySetResult(false);
        }
        return true;
    }

    public void Dispose()
    {
        _timer.Dispose();
        _cancellation.Dispose();
    }

    private static TaskCompletionSource<bool> NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void TimeOut()
    {
        _timedOut = true;
        _next.TrySetResult(false);
    }
}
