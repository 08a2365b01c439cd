using EventStream.Streams.State;

namespace EventStream.Streams;

/// <summary>
/// Folds the records of a key and window into one value, and sends it when stream time has passed the window's end by
/// the grace. Any record of the task closes the windows of all its keys, so a key that falls silent does not hold its
/// last window back; without records the wall clock closes them. Later records are dropped and counted.
/// </summary>
public sealed class WindowProcessor<TIn, TAggregate>(
    string store,
    TimeSpan size,
    TimeSpan grace,
    TAggregate initial,
    Func<TIn, TAggregate, TAggregate> fold,
    Func<ClosedWindow<TAggregate>, IEnumerable<(string Key, object Value)>> close
) : Processor<TIn>
{
    private static readonly TimeSpan CloseCheck = TimeSpan.FromMilliseconds(100);
    private TypedWindowStore<string, TAggregate> aggregates = null!;

    /// <inheritdoc/>
    protected override void Init()
    {
        aggregates = Context.Store<TypedWindowStore<string, TAggregate>>(store);
        Context.SchedulePunctuation(size < CloseCheck ? size : CloseCheck, Close);
    }

    /// <inheritdoc/>
    protected override void Process(StreamRecord<TIn> record)
    {
        var start = EventTime.StartOf(record.Time, size);
        if (start + size + grace <= Context.StreamTime)
        {
            Context.CountLate(store);
            return;
        }

        var key = record.Key;
        aggregates.Put(
            start,
            key,
            fold(record.Value, aggregates.TryGet(start, key, out var before) ? before : initial)
        );
    }

    private void Close(DateTimeOffset streamTime)
    {
        foreach (var (start, key, value) in aggregates.TakeThrough(streamTime - size - grace))
        {
            foreach (var output in close(new ClosedWindow<TAggregate>(key, start, start + size, value)))
                Forward(output.Key, output.Value, start + size);
        }
    }
}

/// <summary>A key's final value of a window; <paramref name="End"/> is exclusive.</summary>
public sealed record ClosedWindow<TValue>(string Key, DateTimeOffset Start, DateTimeOffset End, TValue Value);
