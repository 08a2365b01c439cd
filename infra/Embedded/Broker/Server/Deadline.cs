namespace EventStream.Embedded.Broker.Server;

/// <summary>
/// Limits how long one transfer of a connection may take, and ends every transfer when the broker stops. The clock is
/// set only for transfers that do not complete at once.
/// </summary>
internal sealed class Deadline : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _source;

    public Deadline(TimeSpan limit, CancellationToken stopping)
    {
        _limit = limit;
        _source = CancellationTokenSource.CreateLinkedTokenSource(stopping);
    }

    public CancellationToken Token => _source.Token;

    public async ValueTask<int> RunAsync(ValueTask<int> transfer, bool limited)
    {
        if (transfer.IsCompleted || !limited)
        {
            return await transfer;
        }
        _source.CancelAfter(_limit);
        try
        {
            return await transfer;
        }
        finally
        {
            _source.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose() => _source.Dispose();
}
