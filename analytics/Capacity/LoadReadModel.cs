using System.Collections.Concurrent;
using System.Threading.Channels;
using EventStream.Contracts;
using Microsoft.Extensions.Logging;

namespace EventStream.Capacity;

/// <summary>
/// The read model of <c>traffic.load</c>: the load of every resource, rebuilt from the topic at each start. It wakes
/// the loop when something arrived and does no work itself, so that a fit never holds up the consumer.
/// </summary>
public sealed partial class LoadReadModel(CapacityOptions options, TimeProvider clock, ILogger<LoadReadModel> logger)
{
    /// <summary>A record may be ahead of this machine's clock by this much; more is taken for a wrong clock.</summary>
    private static readonly TimeSpan AheadMax = TimeSpan.FromMinutes(5);

    // One waiting signal says as much as many.
    private readonly Channel<bool> arrivals = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    private readonly ConcurrentDictionary<string, LoadSeries> resources = new(StringComparer.Ordinal);

    /// <summary>Why the last record of a resource could not be used; one entry each, bounded like the series.</summary>
    private readonly ConcurrentDictionary<string, string> refusals = new(StringComparer.Ordinal);

    /// <summary>Every resource, by name.</summary>
    public IReadOnlyList<LoadSeries> Resources =>
        [.. resources.Values.OrderBy(series => series.Resource, StringComparer.Ordinal)];

    /// <summary>The load of a resource, or null.</summary>
    public LoadSeries? Find(string resource) => resources.GetValueOrDefault(resource);

    /// <summary>Why the last record of a resource could not be used, or null where it could.</summary>
    public string? Refusal(string resource) => refusals.GetValueOrDefault(resource);

    /// <summary>Ends when load arrived since the last call.</summary>
    public async Task WaitAsync(CancellationToken cancellation) => await arrivals.Reader.ReadAsync(cancellation);

    /// <summary>
    /// Takes one record. One that cannot be used changes nothing: the log says so once, and <see cref="Refusal"/>
    /// until the next record of the resource that can be used.
    /// </summary>
    public void Take(LoadMeasured load)
    {
        if (Fault(load) is { } fault)
        {
            Refuse(load.Resource, fault);
            return;
        }

        if (!resources.TryGetValue(load.Resource, out var series))
        {
            if (resources.Count >= CapacityOptions.ResourcesMax)
            {
                Refuse(load.Resource, $"{CapacityOptions.ResourcesMax} resources are held already");
                return;
            }

            series = resources.GetOrAdd(load.Resource, name => new LoadSeries(name, options));
        }

        if (!series.Take(load))
        {
            TooLate(logger, load.Resource, load.Time);
            return;
        }

        refusals.TryRemove(load.Resource, out _);
        arrivals.Writer.TryWrite(true);
    }

    private string? Fault(LoadMeasured load)
    {
        if (!double.IsFinite(load.Value))
            return $"its value is {load.Value}";
        if (!(load.StepSeconds > 0))
            return $"it was measured in steps of {load.StepSeconds} s";
        if (load.StepSeconds > options.StepSeconds * (1 + 1e-6))
        {
            return $"it is measured in steps of {load.StepSeconds} s, and Capacity:StepSeconds is "
                + $"{options.StepSeconds}; measure it more often";
        }

        return load.Time > clock.GetUtcNow() + AheadMax
            ? $"its time {load.Time:yyyy-MM-dd HH:mm:ss} lies ahead of this machine's clock"
            : null;
    }

    private void Refuse(string resource, string why)
    {
        if (refusals.Count >= CapacityOptions.ResourcesMax && !refusals.ContainsKey(resource))
            return;
        var news = !refusals.ContainsKey(resource);
        refusals[resource] = why;
        if (news)
            Refused(logger, resource, why);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Load of '{Resource}' cannot be used: {Why}.")]
    private static partial void Refused(ILogger logger, string resource, string why);

    [LoggerMessage(
        Level = LogLevel.Debug,
        Message = "Load of '{Resource}' at {Time} came too late: its steps are closed."
    )]
    private static partial void TooLate(ILogger logger, string resource, DateTimeOffset time);
}
