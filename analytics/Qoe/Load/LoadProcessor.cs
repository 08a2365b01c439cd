using EventStream.Contracts;
using EventStream.Streams;

namespace EventStream.Qoe.Load;

/// <summary>
/// Adds the parts of all partitions up to one figure a step and resource, in order and without holes: a resource that
/// falls silent gets zeros while stream time moves.
/// </summary>
internal sealed class LoadProcessor(QoeOptions options) : Processor<string, LoadPart, string, LoadMeasured>
{
    public const string Sums = "load-sums";
    public const string Known = "load-known";

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);
    private WindowStore<string, LoadPart> sums = null!;
    private KeyValueStore<string, KnownLoad> known = null!;

    protected override void Init()
    {
        sums = Context.Store<WindowStore<string, LoadPart>>(Sums);
        known = Context.Store<KeyValueStore<string, KnownLoad>>(Known);
        Context.SchedulePunctuation(Tick, Close);
    }

    protected override void Process(Record<string, LoadPart> record)
    {
        var part = record.Value;
        if (known.TryGet(part.Resource, out var load) && part.Step <= load.LastStep)
        {
            Context.CountLate(Sums);
            return;
        }

        var before = sums.TryGet(part.Step, part.Resource, out var sum) ? sum.Value : 0;
        sums.Put(part.Step, part.Resource, part with { Value = before + part.Value });
    }

    private void Close(DateTimeOffset streamTime)
    {
        var lastStep =
            TimeWindows.StartOf(streamTime.AddSeconds(-options.LoadGraceSeconds), options.LoadStep)
            - options.LoadStep;
        var closed = new Dictionary<(string Resource, DateTimeOffset Step), LoadPart>();
        foreach (var (step, resource, part) in sums.TakeThrough(lastStep))
        {
            closed[(resource, step)] = part;
            if (!known.TryGet(resource, out _))
                known.Put(resource, new KnownLoad(part.Unit, step - options.LoadStep));
        }

        foreach (var (resource, load) in known.Entries.OrderBy(entry => entry.Key, StringComparer.Ordinal).ToList())
            Catch(resource, load, lastStep, closed);
    }

    private void Catch(
        string resource,
        KnownLoad load,
        DateTimeOffset lastStep,
        Dictionary<(string Resource, DateTimeOffset Step), LoadPart> closed
    )
    {
        if (load.LastStep >= lastStep)
            return;
        var earliest = lastStep - (options.LoadZeroStepsMax * options.LoadStep);
        for (var step = load.LastStep + options.LoadStep; step <= lastStep; step += options.LoadStep)
        {
            var found = closed.TryGetValue((resource, step), out var part);
            if (!found && step <= earliest)
                continue;
            var value = found ? part!.Value : 0;
            Forward(
                resource,
                new LoadMeasured(resource, step, options.LoadStepSeconds, value, load.Unit),
                step + options.LoadStep
            );
        }

        known.Put(resource, load with { LastStep = lastStep });
    }
}
