using EventStream.Qoe.Sessions;
using EventStream.Streams;
using EventStream.Streams.State;

namespace EventStream.Qoe.Load;

/// <summary>
/// Measures what one partition sees in each step: sessions that watch, and requests and bytes of each edge. A few
/// small records a step leave the partition, whatever the traffic; that of the viewers is sent for every step, zero
/// or not, because it also says that the partition has been read through the step.
/// </summary>
internal sealed class LoadPartProcessor(QoeOptions options) : Processor<QoeInput>
{
    public const string Store = "load-parts";

    private TypedWindowStore<string, LoadPart> parts = null!;
    private TypedKeyValueStore<string, SessionState> sessions = null!;

    /// <summary>The first step that has not been reported; null before the first record.</summary>
    private DateTimeOffset? next;

    protected override void Init()
    {
        parts = Context.Store<TypedWindowStore<string, LoadPart>>(Store);
        sessions = Context.Store<TypedKeyValueStore<string, SessionState>>(SessionProcessor.Store);
        Context.SchedulePunctuation(TimeSpan.FromMilliseconds(500), Close);
        if (Context.StreamTime > DateTimeOffset.MinValue)
            next = FirstOpen(Context.StreamTime);
    }

    protected override void Process(StreamRecord<QoeInput> record)
    {
        if (!record.Value.Counts)
            return;
        next ??= EventTime.StartOf(Context.StreamTime, options.LoadStep);
        if (record.Value.Request is not { Edge.Length: > 0 } request)
            return;
        Add(record.Time, LoadResources.RequestsOf(request.Edge), 1, LoadResources.Requests);
        Add(record.Time, LoadResources.BytesOf(request.Edge), request.Bytes, LoadResources.Bytes);
    }

    private void Add(DateTimeOffset time, string resource, double value, string unit)
    {
        var step = EventTime.StartOf(time, options.LoadStep);
        if (step < next)
        {
            Context.CountLate(Store);
            return;
        }

        var part = new LoadPart(resource, step, value, unit);
        parts.Put(step, resource, part.Plus(parts.TryGet(step, resource, out var before) ? before : null));
    }

    /// <summary>The first step that records may still change: the grace after its end is not over.</summary>
    private DateTimeOffset FirstOpen(DateTimeOffset streamTime) =>
        EventTime.StartOf(streamTime.AddSeconds(-options.LoadGraceSeconds), options.LoadStep);

    private void Close(DateTimeOffset streamTime)
    {
        var open = FirstOpen(streamTime);
        var step = next ?? open;
        var requests = parts.TakeThrough(open - options.LoadStep).ToLookup(part => part.Start, part => part.Value);
        var lastUsed = sessions
            .Entries.Select(entry => entry.Value.LastHeardAt)
            .Concat(requests.Select(part => part.Key))
            .DefaultIfEmpty()
            .Max();
        var earliest = open - (options.LoadZeroStepsMax * options.LoadStep);
        for (; step < open; step += options.LoadStep)
        {
            if (step < earliest && step > lastUsed)
                step = earliest;
            foreach (var part in requests[step])
                Forward(part.Resource, part with { Partition = Context.Partition }, streamTime);
            var level = new WatchingLevel(step, options.LoadStep);
            foreach (var (_, session) in sessions.Entries)
                level.Add(session);
            Forward(LoadPart.Viewers, level.Part(Context.Partition, Context.Partitions), streamTime);
        }

        next = open > next || next is null ? open : next;
    }
}
