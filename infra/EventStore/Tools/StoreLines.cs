namespace EventStream.EventStore.Tools;

/// <summary>Reads the lines of an export and gives each event to the store of its category.</summary>
public static class StoreLines
{
    /// <summary>Throws <see cref="ImportException"/>, which names the line, for what cannot be imported.</summary>
    public static async Task ImportAsync(
        TextReader input,
        IReadOnlyDictionary<string, StoreImport> stores,
        CancellationToken cancellation
    )
    {
        var text = await input.ReadLineAsync(cancellation);
        for (var line = 1L; text is not null; line++)
        {
            var next = await input.ReadLineAsync(cancellation);
            var e = Read(line, text, whole: next is not null);
            if (!stores.TryGetValue(e.Category, out var store))
                throw new ImportException(
                    line,
                    $"streams of '{e.Category}' belong to no service " + $"({string.Join(", ", stores.Keys)})"
                );
            await store.AddAsync(line, e, cancellation);
            text = next;
        }
    }

    private static ExportedEvent Read(long line, string text, bool whole)
    {
        try
        {
            return ExportedEvent.Read(text);
        }
        catch (InvalidDataException e)
        {
            // Only the last line can be one that a kill cut off.
            throw new ImportException(
                line,
                whole
                    ? e.Message
                    : $"{e.Message}; if the export was cut there, run it again with the same --out: it continues"
            );
        }
    }
}
