namespace EventStream.Console.Live;

/// <summary>Asks the roles whose news is not on a topic, while a page listens.</summary>
internal sealed class UpstreamPoller(LiveBoard board, LiveListeners listeners, Gateway gateway, TimeProvider clock)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private static readonly (string Part, string Role, string Path)[] Sources =
    [
        (LiveBoard.Edges, "traffic", "/v1/edges"),
        (LiveBoard.Processes, "supervisor", "/v1/processes"),
        (LiveBoard.Scale, "supervisor", "/v1/scale/encode-workers"),
        (LiveBoard.Stream, "qoe", "/v1/status"),
    ];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            if (listeners.AreThere())
                await LookAsync(stoppingToken);
            await Task.Delay(Interval, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private Task LookAsync(CancellationToken cancellation) =>
        Task.WhenAll(
            Sources.Select(async source =>
            {
                var (json, trouble) = await gateway.TryReadAsync(source.Role, source.Path, cancellation);
                board.SetUpstream(source.Part, json, trouble);
            })
        );
}
