using System.Collections.Concurrent;
using System.Threading.Channels;
using EventStream.Contracts;
using Microsoft.Extensions.Logging;

namespace EventStream.Capacity;

/// <summary>
/// The read model of <c>traffic.load</c>: the history of every resource, rebuilt from the topic at each start. It
/// wakes the loop when something arrived and does no work itself, so that a fit never holds up the consumer.
/// </summary>
public sealed partial class LoadBook(CapacityOptions options, ILogger<LoadBook> logger)
{
    // One waiting signal says as much as many.
    private readonly Channel<bool> arrivals = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly ConcurrentDictionary<string, LoadHistory> resources = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> refused = new(StringComparer.Ordinal);

    /// <summary>Every resource, by name.</summary>
    public IReadOnlyList<LoadHistory> Resources =>
        [.. resources.Values.OrderBy(history => history.Resource, StringComparer.Ordinal)];

    /// <summary>The history of a resource, or null.</summary>
    public LoadHistory? Find(string resource) => resources.GetValueOrDefault(resource);

    /// <summary>Ends when load arrived since the last call.</summary>
    public async Task WaitAsync(CancellationToken cancellation) => await arrivals.Reader.ReadAsync(cancellation);

    /// <summary>Takes one measurement; what cannot be used is logged once a resource.</summary>
    public void Take(LoadMeasured load)
    {
        if (Math.Abs(load.StepSeconds - options.StepSeconds) > 1e-6 * options.StepSeconds)
        {
            if (Refuse(load.Resource)) OtherStep(logger, load.Resource, load.StepSeconds, options.StepSeconds);
            return;
        }

        if (!resources.TryGetValue(load.Resource, out var history))
        {
            if (resources.Count >= CapacityOptions.ResourcesMax)
            {
                if (Refuse(load.Resource)) TooMany(logger, load.Resource, CapacityOptions.ResourcesMax);
                return;
            }

            history = resources.GetOrAdd(
                load.Resource, name => new LoadHistory(name, options.Season, options.HistoryStepsMax));
        }

        if (!history.Put(load.Time, load.Value, load.Unit)) TooOld(logger, load.Resource, load.Time);
        arrivals.Writer.TryWrite(true);
    }

    private bool Refuse(string resource) =>
        refused.Count < CapacityOptions.ResourcesMax && refused.TryAdd(resource, true);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "Load of '{Resource}' comes in steps of {Step} s and Capacity:StepSeconds "
        + "is {Wanted}; it is not forecast. Give both the same step.")]
    private static partial void OtherStep(ILogger logger, string resource, double step, double wanted);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "Load of '{Resource}' is not forecast: {Max} resources are held already.")]
    private static partial void TooMany(ILogger logger, string resource, int max);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "Load of '{Resource}' at {Time} is older than the history, or no number.")]
    private static partial void TooOld(ILogger logger, string resource, DateTimeOffset time);
}
