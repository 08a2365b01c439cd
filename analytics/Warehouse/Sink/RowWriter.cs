using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace EventStream.Warehouse.Sink;

/// <summary>
/// Writes one row as a JSON object in ClickHouse's words: times in UTC with milliseconds, null for what is not known.
/// </summary>
public sealed class RowWriter(IBufferWriter<byte> output) : IDisposable
{
    // The range of DateTime64; a time outside would fail the whole batch for the sake of one bad clock.
    private static readonly DateTimeOffset TimeMin = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset TimeMax = new(2105, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Utf8JsonWriter json = new(output, new JsonWriterOptions { SkipValidation = true });

    /// <summary>Begins a row.</summary>
    public void Begin() => json.WriteStartObject();

    /// <summary>Ends the row and its line.</summary>
    public void End()
    {
        json.WriteEndObject();
        json.Flush();
        json.Reset();
        output.Write("\n"u8);
    }

    public RowWriter Text(string column, string? value)
    {
        json.WriteString(column, value ?? "");
        return this;
    }

    public RowWriter NullableText(string column, string? value)
    {
        if (value is null) json.WriteNull(column);
        else json.WriteString(column, value);
        return this;
    }

    public RowWriter Number(string column, double? value)
    {
        if (value is not { } number || !double.IsFinite(number)) json.WriteNull(column);
        else json.WriteNumber(column, number);
        return this;
    }

    public RowWriter Count(string column, long? value)
    {
        if (value is not { } number) json.WriteNull(column);
        else json.WriteNumber(column, number);
        return this;
    }

    public RowWriter Flag(string column, bool? value)
    {
        if (value is not { } flag) json.WriteNull(column);
        else json.WriteBoolean(column, flag);
        return this;
    }

    /// <summary>A time; outside 1970 to 2105 the nearest bound, which is what ClickHouse's DateTime can hold.</summary>
    public RowWriter Time(string column, DateTimeOffset value)
    {
        var bounded = value < TimeMin ? TimeMin : value > TimeMax ? TimeMax : value;
        Span<char> text = stackalloc char[23];
        bounded.UtcDateTime.TryFormat(text, out _, "yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
        json.WriteString(column, text);
        return this;
    }

    public RowWriter Texts(string column, IEnumerable<string>? values)
    {
        json.WriteStartArray(column);
        foreach (var value in values ?? []) json.WriteStringValue(value);
        json.WriteEndArray();
        return this;
    }

    public RowWriter Numbers(string column, IEnumerable<KeyValuePair<string, double>>? values)
    {
        json.WriteStartObject(column);
        foreach (var (key, value) in values ?? []) json.WriteNumber(key, double.IsFinite(value) ? value : 0);
        json.WriteEndObject();
        return this;
    }

    /// <summary>JSON that is known to be valid, as it is.</summary>
    public RowWriter Json(string column, ReadOnlySpan<byte> value)
    {
        json.WritePropertyName(column);
        json.WriteRawValue(value, skipInputValidation: true);
        return this;
    }

    public void Dispose() => json.Dispose();
}
