namespace EventStream.Streams.Processors;

/// <summary>Lets only values of one type pass, as that type.</summary>
internal sealed class OfTypeProcessor<TKey, TValue, TValueOut> : Processor<TKey, TValue, TKey, TValueOut>
    where TValueOut : TValue
{
    protected override void Process(Record<TKey, TValue> record)
    {
        if (record.Value is TValueOut value)
            Forward(record.Key, value, record.Time);
    }
}
