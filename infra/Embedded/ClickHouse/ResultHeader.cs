namespace EventStream.Embedded.ClickHouse;

/// <summary>
/// Formats of which a chunk may follow a chunk. Each chunk of the engine is a document of its own, so what a document
/// begins with is cut from every chunk but the first.
/// </summary>
internal static class ResultHeader
{
    private static readonly HashSet<string> Plain = new(StringComparer.OrdinalIgnoreCase)
    {
        "JSONEachRow",
        "JSONLines",
        "NDJSON",
        "JSONCompactEachRow",
        "JSONStringsEachRow",
        "JSONCompactStringsEachRow",
        "TabSeparated",
        "TSV",
        "TabSeparatedRaw",
        "TSVRaw",
        "CSV",
        "RowBinary",
        "LineAsString",
        "Native",
    };

    private static readonly Dictionary<string, int> Lines = new(StringComparer.OrdinalIgnoreCase)
    {
        ["TabSeparatedWithNames"] = 1,
        ["TSVWithNames"] = 1,
        ["TabSeparatedWithNamesAndTypes"] = 2,
        ["TSVWithNamesAndTypes"] = 2,
        ["JSONCompactEachRowWithNames"] = 1,
        ["JSONCompactEachRowWithNamesAndTypes"] = 2,
        ["JSONCompactStringsEachRowWithNames"] = 1,
        ["JSONCompactStringsEachRowWithNamesAndTypes"] = 2,
    };

    /// <summary>Whether the format can be sent chunk by chunk.</summary>
    public static bool IsChunked(string format) =>
        Plain.Contains(format) || Lines.ContainsKey(format) || IsBinary(format);

    /// <summary>Whether the format reports how far a query is, from its start on.</summary>
    public static bool HasProgress(string format) =>
        format.EndsWith("WithProgress", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// A whole answer with its first line of progress at its beginning, where a server writes it. The engine reports
    /// by the clock, so that a quick statement has its rows first.
    /// </summary>
    public static byte[] ProgressFirst(byte[] answer)
    {
        var at = answer.AsSpan().IndexOf("\n{\"progress\":"u8) + 1;
        if (at == 0 || answer.AsSpan().StartsWith("{\"progress\":"u8))
            return answer;
        var length = answer.AsSpan(at).IndexOf((byte)'\n') + 1;
        return length == 0 ? answer : [.. answer[at..(at + length)], .. answer[..at], .. answer[(at + length)..]];
    }

    /// <summary>How many bytes of a chunk are the document's beginning.</summary>
    public static int Length(string format, byte[] chunk)
    {
        if (IsBinary(format))
            return Binary(chunk, types: format.EndsWith("Types", StringComparison.OrdinalIgnoreCase));
        var at = 0;
        for (var lines = Lines.GetValueOrDefault(format); lines > 0; lines--)
            at = Array.IndexOf(chunk, (byte)'\n', at) + 1;
        return at;
    }

    private static bool IsBinary(string format) =>
        format.Equals("RowBinaryWithNames", StringComparison.OrdinalIgnoreCase)
        || format.Equals("RowBinaryWithNamesAndTypes", StringComparison.OrdinalIgnoreCase);

    private static int Binary(byte[] chunk, bool types)
    {
        using var reader = new BinaryReader(new MemoryStream(chunk));
        var columns = reader.Read7BitEncodedInt();
        for (var texts = types ? 2 * columns : columns; texts > 0; texts--)
            reader.BaseStream.Seek(reader.Read7BitEncodedInt(), SeekOrigin.Current);
        return (int)reader.BaseStream.Position;
    }
}
