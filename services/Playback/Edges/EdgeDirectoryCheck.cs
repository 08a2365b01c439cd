using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EventStream.Playback.Edges;

/// <summary>
/// Says in <c>/health/ready</c> why edges are offered in their configured order. Sessions open meanwhile, so the role
/// stays ready.
/// </summary>
internal sealed class EdgeDirectoryCheck(EdgeDirectory edges) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        await edges.OrderAsync("", cancellationToken);
        return edges.Trouble is { } trouble ? HealthCheckResult.Degraded(trouble) : HealthCheckResult.Healthy();
    }
}
