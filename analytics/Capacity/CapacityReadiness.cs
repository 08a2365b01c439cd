using System.Globalization;
using EventStream.Capacity.Models;
using EventStream.Contracts;
using EventStream.Messaging;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Capacity;

/// <summary>
/// What keeps the role from its work, as sentences for <c>/health/ready</c>: no load to decide on, a forecast that
/// failed, an actuator that refuses. Load that does not arrive is never taken for no load.
/// </summary>
public sealed class CapacityReadiness(
    LoadReadModel loads,
    ForecastService forecasts,
    IEnumerable<Autoscaler> scalers,
    CapacityOptions options,
    TimeProvider clock
)
{
    /// <summary>The time without load counts from here.</summary>
    private readonly DateTimeOffset started = clock.GetUtcNow();

    internal static void Register(IServiceCollection services)
    {
        services.AddSingleton<CapacityReadiness>();
        services.AddReadiness("load", (provider, _) => Task.FromResult(Of(provider).Load()));
        services.AddReadiness("forecast", (provider, _) => Task.FromResult(Of(provider).Forecast()));
        services.AddReadinessWarning("models", provider => provider.GetRequiredService<TrainedModels>().Trouble);
        services.AddReadiness("actuator", (provider, _) => Task.FromResult(Of(provider).Actuator()));
    }

    /// <summary>
    /// A sentence while a series that drives a target, or every series of viewing where there is no target, has had no
    /// complete minute for longer than <see cref="CapacityOptions.NoLoad"/>.
    /// </summary>
    public string? Load()
    {
        var needed = options.Targets.Select(target => target.Resource).Distinct(StringComparer.Ordinal).ToList();
        if (needed.Count > 0)
            return Joined(needed.Select(resource => Missing(resource, loads.Find(resource))));
        // The encoders measure their load even where nobody measures what viewers do.
        var viewing = loads.Resources.Where(series =>
            !series.Resource.StartsWith(LoadMeasured.OfEncoding, StringComparison.Ordinal)
        );
        var all = viewing.Select(series => Missing(series.Resource, series)).ToList();
        if (all.Count == 0)
            return Missing("any resource", null);
        return all.TrueForAll(said => said is not null) ? Joined(all) : null;
    }

    /// <summary>A sentence where a resource could not be forecast, or null.</summary>
    public string? Forecast() => Joined(forecasts.Trouble);

    /// <summary>A sentence where an actuator refused or could not be reached, or null.</summary>
    public string? Actuator() => Joined(scalers.Select(scaler => scaler.Trouble));

    private static CapacityReadiness Of(IServiceProvider provider) => provider.GetRequiredService<CapacityReadiness>();

    private static string? Joined(IEnumerable<string?> sentences)
    {
        var said = string.Join("; ", sentences.Where(sentence => sentence is not null));
        return said.Length > 0 ? said : null;
    }

    private string? Missing(string resource, LoadSeries? series)
    {
        var until = series?.CompleteUntil;
        var since = until is { } end && end > started ? end : started;
        if (clock.GetUtcNow() - since <= options.NoLoad)
            return null;
        var time = (until ?? started).ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        var why = loads.Refusal(resource) is { } refusal ? $": {refusal}" : "";
        return $"no load of {resource} since {time} UTC{why}";
    }
}
