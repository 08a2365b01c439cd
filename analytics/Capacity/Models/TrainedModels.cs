using System.Collections.Concurrent;
using System.Threading.Channels;
using EventStream.Forecasting.GradientBoosting;

namespace EventStream.Capacity.Models;

/// <summary>
/// The gradient-boosted models in use, by resource, and the queue of those to be trained. Forecasting reads it and asks
/// for what is due; <see cref="ModelTrainer"/> works the queue off. Neither waits for the other.
/// </summary>
public sealed class TrainedModels
{
    private readonly ConcurrentDictionary<string, BoostedModels> models = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> failures = new(StringComparer.Ordinal);

    /// <summary>The step from which a resource is asked for again: once a day, or an hour after a failure.</summary>
    private readonly ConcurrentDictionary<string, long> notBefore = new(StringComparer.Ordinal);

    private readonly TaskCompletionSource loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Each resource is in it once at most; see Request.
    private readonly Channel<string> queue = Channel.CreateBounded<string>(CapacityOptions.ResourcesMax);

    /// <summary>Ends when the models of the folder have been read.</summary>
    public Task Loaded => loaded.Task;

    /// <summary>Resources to train, in the order in which they were asked for.</summary>
    internal ChannelReader<string> Queue => queue.Reader;

    /// <summary>Why models are missing or not kept, as sentences.</summary>
    public IReadOnlyList<string> Trouble =>
        LightGbmLibrary.Fault is { } fault
            ? [fault]
            : [.. failures.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => pair.Value)];

    /// <summary>The models of a resource, or null.</summary>
    public BoostedModels? Find(string resource) => models.GetValueOrDefault(resource);

    /// <summary>Asks for the training of a resource where it is due; never waits.</summary>
    public void Request(string resource, LoadView view)
    {
        var (history, season) = (view.Maxima, view.Season);
        if (!BoostedModels.Allow(history, season))
            return;
        if (Find(resource) is { } known && !known.AreDue(history, season))
            return;
        if (
            notBefore.TryGetValue(resource, out var step)
            && history.LastStep < step
            && step - history.LastStep <= season.Day
        )
            return;
        if (LightGbmLibrary.Fault is not null)
            return;
        // Until the training ends, which sets the next time, a day has to pass before it is asked for again.
        if (queue.Writer.TryWrite(resource))
            notBefore[resource] = history.LastStep + season.Day;
    }

    internal void LoadedAre(IEnumerable<KeyValuePair<string, BoostedModels>> all)
    {
        foreach (var (resource, one) in all)
            models[resource] = one;
        loaded.TrySetResult();
    }

    internal void Trained(string resource, BoostedModels trained)
    {
        models[resource] = trained;
        failures.TryRemove(resource, out _);
    }

    /// <summary>Remembers why a resource has no models, or why they are not kept.</summary>
    internal void Failed(string resource, string sentence, long? retryAt = null)
    {
        failures[resource] = sentence;
        if (retryAt is { } step)
            notBefore[resource] = step;
    }
}
