using EventStream.Qoe.Sessions;
using EventStream.Streams;

namespace EventStream.Qoe.Load;

/// <summary>
/// Measures what one partition sees in each step: sessions that are live, and requests and bytes of each edge. One
/// small record a step and resource leaves the partition, whatever the traffic.
/// </summary>
internal sealed class LoadPartProcessor(QoeOptions options) : Processor<string, QoeInput, string, LoadPart>
{
    public const string Store = "load-parts";

    /// <summary>Steps counted afterwards when stream time jumps; before that nobody was watching.</summary>
    private const int StepsBackMax = 3;

    private WindowStore<string, LoadPart> parts = null!;
    private KeyValueStore<string, SessionState> sessions = null!;
    private DateTimeOffset? last;

    protected override void Init()
    {
        parts = Context.Store<WindowStore<string, LoadPart>>(Store);
        sessions = Context.Store<KeyValueStore<string, SessionState>>(SessionProcessor.Store);
        Context.SchedulePunctuation(options.LoadStep, CloseStep);
        if (Context.StreamTime > DateTimeOffset.MinValue)
            last = TimeWindows.StartOf(Context.StreamTime, options.LoadStep);
    }

    protected override void Process(Record<string, QoeInput> record)
    {
        if (record.Value.Request is not { Edge.Length: > 0 } request)
            return;
        Add(request.Time, $"edge:{request.Edge}:requests", 1, "requests");
        Add(request.Time, $"edge:{request.Edge}:bytes", request.Bytes, "bytes");
    }

    private void Add(DateTimeOffset time, string resource, double value, string unit)
    {
        var step = TimeWindows.StartOf(time, options.LoadStep);
        var before = parts.TryGet(step, resource, out var part) ? part.Value : 0;
        parts.Put(step, resource, new LoadPart(resource, step, before + value, unit));
    }

    private void CloseStep(DateTimeOffset streamTime)
    {
        var boundary = TimeWindows.StartOf(streamTime, options.LoadStep);
        foreach (var (_, _, part) in parts.TakeThrough(boundary - options.LoadStep))
            Send(part, boundary);
        var earliest = boundary - (StepsBackMax * options.LoadStep);
        var first =
            last is null ? boundary - options.LoadStep
            : last > earliest ? last.Value
            : earliest;
        for (var start = first; start < boundary; start += options.LoadStep)
            Send(new LoadPart("viewers", start, LiveIn(start, start + options.LoadStep), "sessions"), boundary);
        last = boundary;
    }

    private void Send(LoadPart part, DateTimeOffset time) => Forward(part.Resource, part, time);

    /// <summary>
    /// Sessions that began before the step's end and were neither over nor silent for too long at its start.
    /// </summary>
    private int LiveIn(DateTimeOffset start, DateTimeOffset end) =>
        sessions.Entries.Count(entry =>
            entry.Value.StartedAt < end
            && (
                entry.Value.EndedAt is { } ended
                    ? ended >= start
                    : entry.Value.LastHeardAt + options.SessionTimeout > start
            )
        );
}
