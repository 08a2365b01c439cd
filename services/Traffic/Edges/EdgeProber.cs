using EventStream.Hosting;
using EventStream.Traffic.Steering;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStream.Traffic.Edges;

/// <summary>
/// Asks every edge for <c>/health</c> at a steady rhythm and has the order decided again after each round.
/// </summary>
internal sealed partial class EdgeProber(
    TrafficOptions options,
    EdgeMap map,
    SteeringBoard board,
    HttpClient http,
    TimeProvider clock,
    ILogger<EdgeProber> logger
) : BackgroundService
{
    /// <summary>One round: all edges at once, then the decision.</summary>
    public async Task ProbeOnceAsync(CancellationToken cancellation)
    {
        var before = map.States;
        await Task.WhenAll(
            options.Edges.Select(async edge => map.Record(edge.Name, await ProbeAsync(edge, cancellation)))
        );
        foreach (var (was, now) in before.Zip(map.States))
        {
            if (was.IsUp != now.IsUp || !was.WasProbed)
                Turned(logger, now.Edge.Name, now.IsUp ? "up" : "down", now.LastProbe?.Error ?? "it answers");
        }

        board.Decide();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.ProbeInterval, clock);
        try
        {
            do await ProbeOnceAsync(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            // The role stops.
        }
    }

    private async Task<ProbeResult> ProbeAsync(PlatformEdge edge, CancellationToken cancellation)
    {
        var start = clock.GetTimestamp();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(options.ProbeTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{edge.Url}/health");
            // A new connection each time: what counts is whether the edge takes new viewers.
            request.Headers.ConnectionClose = true;
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            var elapsed = clock.GetElapsedTime(start).TotalMilliseconds;
            return new ProbeResult(
                elapsed,
                answer.IsSuccessStatusCode ? null : $"it answered {(int)answer.StatusCode}"
            );
        }
        catch (HttpRequestException e)
        {
            return new ProbeResult(clock.GetElapsedTime(start).TotalMilliseconds, e.Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ProbeResult(
                options.ProbeTimeout.TotalMilliseconds,
                $"no answer within {options.ProbeTimeout.TotalMilliseconds} ms"
            );
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Edge} is {State}: {Reason}")]
    private static partial void Turned(ILogger logger, string edge, string state, string reason);
}
