namespace EventStream.EventStore;

/// <summary>What every store demands of an append before it looks at the stream.</summary>
internal static class AppendRules
{
    /// <summary>
    /// One append is one transaction and one message to the server; more events than this belong into several.
    /// </summary>
    public const int EventsMax = 1000;

    /// <summary>Longest stream name, in characters: a category, a hyphen and an id.</summary>
    public const int StreamNameMax = 200;

    /// <summary>Largest event, in bytes of JSON: events say what happened and point to what is big.</summary>
    public const int EventBytesMax = 1024 * 1024;

    /// <summary>Largest append, in bytes of JSON over all its events: it is one message to the server.</summary>
    public const int AppendBytesMax = 16 * 1024 * 1024;

    /// <summary>Most streams of one append.</summary>
    public const int StreamsMax = 100;

    public static void Check(string stream, IReadOnlyList<NewEvent> events)
    {
        if (string.IsNullOrWhiteSpace(stream) || stream.Length > StreamNameMax || stream.Contains('\0'))
            throw new InvalidAppendException(stream, $"A stream name has 1 to {StreamNameMax} characters.");
        if (events.Count is 0 or > EventsMax)
            throw new InvalidAppendException(
                stream, $"An append has 1 to {EventsMax} events; this one to '{stream}' has {events.Count}.");
        if (events.Count > 1 && events.DistinctBy(e => e.Id).Count() < events.Count)
            throw new DuplicateEventException(stream);
    }

    public static void Check(IReadOnlyList<StreamAppend> appends)
    {
        var first = appends.Count == 0 ? "" : appends[0].Stream;
        if (appends.Count is 0 or > StreamsMax)
            throw new InvalidAppendException(
                first, $"An append to several streams has 1 to {StreamsMax} of them; this one has {appends.Count}.");
        foreach (var append in appends) Check(append.Stream, append.Events);
        var events = appends.Sum(append => append.Events.Count);
        if (events > EventsMax)
            throw new InvalidAppendException(
                first, $"An append has 1 to {EventsMax} events over all its streams; this one has {events}.");
        foreach (var twice in appends.CountBy(append => append.Stream).Where(pair => pair.Value > 1))
            throw new InvalidAppendException(
                twice.Key, $"Stream '{twice.Key}' stands {twice.Value} times in one append: put its events together.");
        if (appends.SelectMany(append => append.Events).DistinctBy(e => e.Id).Count() < events)
            throw new DuplicateEventException(first);
    }

    public static void CheckSize(string stream, string name, int bytes)
    {
        if (bytes > EventBytesMax)
            throw new InvalidAppendException(
                stream, $"A '{name}' of {bytes} bytes for '{stream}' exceeds {EventBytesMax}: keep big things apart.");
    }

    public static void CheckTotal(string stream, long bytes)
    {
        if (bytes > AppendBytesMax)
            throw new InvalidAppendException(
                stream, $"An append of {bytes} bytes, as to '{stream}', exceeds {AppendBytesMax}: split it.");
    }
}
