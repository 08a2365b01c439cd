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
    ) => services.Add(name, HealthStatus.Unhealthy, probe);

    /// <summary>
    /// The role stays ready but shows as degraded while <paramref name="warnings"/> returns sentences.
    /// </summary>
    public static IServiceCollection AddReadinessWarning(
        this IServiceCollection services,
        string name,
        Func<IServiceProvider, IReadOnlyList<string>> warnings
    ) =>
        services.Add(
            name,
            HealthStatus.Degraded,
            (provider, _) =>
                Task.FromResult(warnings(provider) is { Count: > 0 } found ? string.Join(' ', found) : null)
        );

    private static IServiceCollection Add(
        this IServiceCollection services,
        string name,
        HealthStatus failure,
        Func<IServiceProvider, CancellationToken, Task<string?>> probe
    )
    {
        var check = new HealthCheckRegistration(
            name,
            provider => new Check(provider, failure, probe),
            failure,
            [Tag],
            TimeSpan.FromSeconds(3)
        );
        services.AddHealthChecks().Add(check);
        return services;
    }

    private sealed class Check(
        IServiceProvider services,
        HealthStatus failure,
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
                return missing is null ? HealthCheckResult.Healthy() : new HealthCheckResult(failure, missing);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                return new HealthCheckResult(failure, e.Message);
            }
        }
    }
}
