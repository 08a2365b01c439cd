namespace EventStream.Streams;

/// <summary>One record of a stream: key, value and the event time that it happened at.</summary>
public readonly record struct Record<TKey, TValue>(TKey Key, TValue Value, DateTimeOffset Time)
{
    /// <summary>The same moment and key with another value.</summary>
    public Record<TKey, TOut> WithValue<TOut>(TOut value) => new(Key, value, Time);

    /// <summary>The same moment and value under another key.</summary>
    public Record<TOut, TValue> WithKey<TOut>(TOut key) => new(key, Value, Time);
}

/// <summary>
/// A key within one window of event time; <paramref name="Start"/> is inclusive, <paramref name="End"/> exclusive.
/// </summary>
public sealed record Windowed<TKey>(TKey Key, DateTimeOffset Start, DateTimeOffset End);
