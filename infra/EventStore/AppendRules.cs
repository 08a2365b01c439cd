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

    public static void Check(string stream, IReadOnlyList<NewEvent> events)
    {
        if (string.IsNullOrWhiteSpace(stream) || stream.Length > StreamNameMax)
            throw new InvalidAppendException(stream, $"A stream name has 1 to {StreamNameMax} characters.");
        if (events.Count is 0 or > EventsMax)
            throw new InvalidAppendException(
                stream, $"An append has 1 to {EventsMax} events; this one to '{stream}' has {events.Count}.");
    }

    public static void CheckSize(string stream, string name, int bytes)
    {
        if (bytes > EventBytesMax)
            throw new InvalidAppendException(
                stream, $"A '{name}' of {bytes} bytes for '{stream}' exceeds {EventBytesMax}: keep big things apart.");
    }
}
