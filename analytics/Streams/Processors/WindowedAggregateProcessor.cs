namespace EventStream.Streams.Processors;

/// <summary>
/// Folds the records of a key and window into one value. It forwards either each new value or, with <see
/// cref="EmitStrategy.OnWindowClose"/>, the final one when stream time has passed the window's end and grace. Any
/// record of the task closes the windows of all its keys, so a key that falls silent does not hold its last window
/// back.
/// </summary>
internal sealed class WindowedAggregateProcessor<TKey, TValue, TAggregate>(
    string store,
    TimeWindows windows,
    EmitStrategy emit,
    Func<TAggregate> initial,
    Func<TKey, TValue, TAggregate, TAggregate> fold
) : Processor<TKey, TValue, Windowed<TKey>, TAggregate>
    where TKey : notnull
{
    private static readonly TimeSpan CloseCheck = TimeSpan.FromMilliseconds(100);
    private WindowStore<TKey, TAggregate> aggregates = null!;

    protected override void Init()
    {
        aggregates = Context.Store<WindowStore<TKey, TAggregate>>(store);
        Context.SchedulePunctuation(windows.Size < CloseCheck ? windows.Size : CloseCheck, Close);
    }

    protected override void Process(Record<TKey, TValue> record)
    {
        var start = windows.StartOf(record.Time);
        if (start + windows.Size + windows.Grace <= Context.StreamTime)
        {
            Context.CountLate(store);
            return;
        }

        var before = aggregates.TryGet(start, record.Key, out var found) ? found : initial();
        var after = fold(record.Key, record.Value, before);
        aggregates.Put(start, record.Key, after);
        if (emit == EmitStrategy.OnEachUpdate)
            Emit(start, record.Key, after, record.Time);
    }

    private void Close(DateTimeOffset streamTime)
    {
        foreach (var (start, key, value) in aggregates.TakeThrough(streamTime - windows.Size - windows.Grace))
        {
            if (emit == EmitStrategy.OnWindowClose)
                Emit(start, key, value, start + windows.Size);
        }
    }

    private void Emit(DateTimeOffset start, TKey key, TAggregate value, DateTimeOffset time) =>
        Forward(new Windowed<TKey>(key, start, start + windows.Size), value, time);
}
