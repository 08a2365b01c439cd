using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EventStream.Messaging;

/// <summary>Registers readiness checks in one line each.</summary>
public static class ReadinessExtensions
{
    /// <summary>Tag of the health checks that <c>/health/ready</c> asks; <c>/health/live</c> asks none.</summary>
    public const string Tag = "ready";

    /// <summary>
    /// The role is ready only while <paramref name="probe"/> returns null; otherwise what it returns says what is
    /// missing. A probe that throws, or takes more than three seconds, counts as not ready.
    /// </summary>
    public static IServiceCollection AddReadiness(
        this IServiceCollection services,
        string name,
        Func<IServiceProvider, CancellationToken, Task<string?>> probe
    )
    {
        services
            .AddHealthChecks()
            .Add(
                new HealthCheckRegistration(
                    name,
                    provider => new Probe(provider, probe),
                    HealthStatus.Unhealthy,
                    [Tag],
                    TimeSpan.FromSeconds(3)
                )
            );
        return services;
    }

    /// <summary>
    /// The role stays ready but shows as degraded while <paramref name="warnings"/> returns sentences.
    /// </summary>
    public static IServiceCollection AddReadinessWarning(
        this IServiceCollection services,
        string name,
        Func<IServiceProvider, IReadOnlyList<string>> warnings
    )
    {
        services
            .AddHealthChecks()
            .Add(
                new HealthCheckRegistration(
                    name,
                    provider => new Warning(provider, warnings),
                    HealthStatus.Degraded,
                    [Tag]
                )
            );
        return services;
    }

    private sealed class Warning(IServiceProvider services, Func<IServiceProvider, IReadOnlyList<string>> warnings)
        : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(
            HealthCheckContext context,
            CancellationToken cancellationToken = default
        )
        {
            var found = warnings(services);
            return Task.FromResult(
                found.Count == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded(string.Join(' ', found))
            );
        }
    }

    private sealed class Probe(
        IServiceProvider services,
        Func<IServiceProvider, CancellationToken, Task<string?>> probe
    ) : IHealthCheck
    {
        public async Task<HealthCheckResult> CheckHealthAsync(
            HealthCheckContext context,
            CancellationToken cancellationToken = default
        )
        {
            try
            {
                var missing = await probe(services, cancellationToken);
                return missing is null ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(missing);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                return HealthCheckResult.Unhealthy(e.Message);
            }
        }
    }
}
