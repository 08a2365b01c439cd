using System.Globalization;
using System.Text;
using System.Text.Json;

namespace EventStream.Journey;

/// <summary>
/// ClickHouse over its HTTP interface, as any stock client asks it: every figure of the report comes through here.
/// </summary>
public sealed class Sql(Platform platform)
{
    /// <summary>Rows of a query as JSON objects.</summary>
    public async Task<IReadOnlyList<JsonElement>> RowsAsync(string query, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post, $"{platform.Env.ClickHouseUrl}/?output_format_json_quote_64bit_integers=0")
        {
            Content = new StringContent($"{query} FORMAT JSONEachRow", Encoding.UTF8, "text/plain"),
        };
        request.Headers.Add("X-ClickHouse-User", platform.Env.ClickHouseUser);
        if (platform.Env.ClickHousePassword is { Length: > 0 } password)
            request.Headers.Add("X-ClickHouse-Key", password);
        using var answer = await platform.Http.SendAsync(request, cancellation);
        var body = await answer.Content.ReadAsStringAsync(cancellation);
        if (!answer.IsSuccessStatusCode) throw new JourneyException($"ClickHouse refused `{query}`: {body}");
        return [.. body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
            JsonDocument.Parse(line).RootElement)];
    }

    /// <summary>The one number that a query yields.</summary>
    public async Task<double> NumberAsync(string query, CancellationToken cancellation)
    {
        var row = (await RowsAsync(query, cancellation)).Single();
        return Number(row, row.EnumerateObject().First().Name) ?? double.NaN;
    }

    /// <summary>A column as a number, or null.</summary>
    public static double? Number(JsonElement row, string column)
    {
        if (!row.TryGetProperty(column, out var value)) return null;
        return value.ValueKind switch
        {
            JsonValueKind.Number => value.GetDouble(),
            JsonValueKind.String when double.TryParse(
                value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
            _ => null,
        };
    }

    /// <summary>A column as text.</summary>
    public static string Text(JsonElement row, string column) =>
        row.TryGetProperty(column, out var value) ? value.ToString() : "";
}
