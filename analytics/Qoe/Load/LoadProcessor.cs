using EventStream.Contracts;
using EventStream.Streams;
using EventStream.Streams.State;

namespace EventStream.Qoe.Load;

/// <summary>
/// Adds the parts of all partitions up to one figure a step and resource, in order and without holes. A step is sent
/// once every partition has reported its part of it, so that a partition which cannot be read, or is behind, makes load
/// come late and never too small. Resources without a part in a step had none: they are sent as zero.
/// </summary>
internal sealed class LoadProcessor(QoeOptions options) : Processor<LoadPart>
{
    public const string Sums = "load-sums";
    public const string Known = "load-known";
    public const string Progress = "load-progress";

    private readonly IReadOnlyList<(string Resource, string Unit)> expected = [.. LoadResources.Expected(options)];
    private TypedWindowStore<string, LoadPart> sums = null!;
    private TypedKeyValueStore<string, KnownLoad> known = null!;
    private TypedKeyValueStore<int, LoadProgress> progress = null!;

    protected override void Init()
    {
        sums = Context.Store<TypedWindowStore<string, LoadPart>>(Sums);
        known = Context.Store<TypedKeyValueStore<string, KnownLoad>>(Known);
        progress = Context.Store<TypedKeyValueStore<int, LoadProgress>>(Progress);
    }

    protected override void Process(StreamRecord<LoadPart> record)
    {
        var part = record.Value;
        // A part whose step has been sent is one that two instances computed while a partition moved between them.
        if (
            (known.TryGet(LoadPart.Viewers, out var viewers) && part.Step <= viewers.LastStep)
            || (progress.TryGet(part.Partition, out var reported) && part.Step <= reported.LastStep)
        )
        {
            Context.CountLate(Sums);
            return;
        }

        sums.Put(part.Step, part.Resource, part.Plus(sums.TryGet(part.Step, part.Resource, out var sum) ? sum : null));
        if (part.Partitions == 0)
            return;
        progress.Put(part.Partition, new LoadProgress(part.Step));
        var all = progress.Entries.Where(entry => entry.Key < part.Partitions).ToList();
        if (all.Count == part.Partitions)
            Close(all.Min(entry => entry.Value.LastStep));
    }

    private void Close(DateTimeOffset lastStep)
    {
        foreach (var step in sums.TakeThrough(lastStep).GroupBy(sum => sum.Start))
            Close(step.Key, step.ToDictionary(sum => sum.Key, sum => sum.Value));
    }

    private void Close(DateTimeOffset step, Dictionary<string, LoadPart> parts)
    {
        foreach (var (resource, unit) in expected.Where(resource => !known.TryGet(resource.Resource, out _)))
            known.Put(resource, new KnownLoad(unit, step - options.LoadStep, step));
        foreach (var (resource, part) in parts.Where(part => !known.TryGet(part.Key, out _)))
            known.Put(resource, new KnownLoad(part.Unit, step - options.LoadStep, step));
        foreach (var (resource, load) in known.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal).ToList())
        {
            var part = parts.GetValueOrDefault(resource);
            Send(resource, step, load.Unit, part);
            if (part is null or { Value: 0 } && Forgotten(resource, load, step))
                known.Delete(resource);
            else
                known.Put(resource, load with { LastStep = step, LastUsed = part is null ? load.LastUsed : step });
        }
    }

    private void Send(string resource, DateTimeOffset step, string unit, LoadPart? part)
    {
        var peak =
            resource != LoadPart.Viewers ? (double?)null
            : part is null ? 0
            : WatchingLevel.Peak(part);
        var value = part?.Value ?? 0;
        Forward(
            resource,
            new LoadMeasured(resource, step, options.LoadStepSeconds, value, unit, peak),
            step + options.LoadStep
        );
    }

    /// <summary>An edge that is not configured and has served nothing for long has left.</summary>
    private bool Forgotten(string resource, KnownLoad load, DateTimeOffset step) =>
        expected.All(other => other.Resource != resource)
        && step - load.LastUsed >= options.LoadZeroStepsMax * options.LoadStep;
}
