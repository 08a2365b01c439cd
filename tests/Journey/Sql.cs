using System.Globalization;
using System.Text.Json;
using ClickHouse.Driver;
using ClickHouse.Driver.ADO;

namespace EventStream.Journey;

/// <summary>
/// ClickHouse by its official driver, as any analyst asks it: every figure of the report comes through here.
/// </summary>
public sealed class Sql(Platform platform)
{
    private static readonly QueryOptions Integers = new()
    {
        CustomSettings = new Dictionary<string, object> { ["output_format_json_quote_64bit_integers"] = 0 },
    };

    /// <summary>Rows of a query as JSON objects.</summary>
    public async Task<IReadOnlyList<JsonElement>> RowsAsync(string query, CancellationToken cancellation)
    {
        var url = new Uri(platform.Env.ClickHouseUrl);
        using var client = new ClickHouseClient(
            new ClickHouseClientSettings
            {
                Protocol = url.Scheme,
                Host = url.Host,
                Port = (ushort)url.Port,
                Username = platform.Env.ClickHouseUser,
                Password = platform.Env.ClickHousePassword,
                HttpClient = platform.Http,
            }
        );
        string body;
        try
        {
            using var result = await client.ExecuteRawResultAsync(
                $"{query} FORMAT JSONEachRow",
                Integers,
                cancellation
            );
            body = await result.ReadAsStringAsync();
        }
        catch (ClickHouseServerException e)
        {
            throw new JourneyException($"ClickHouse refused `{query}`: {e.Message}", e);
        }

        return
        [
            .. body.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement),
        ];
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
        if (!row.TryGetProperty(column, out var value))
            return null;
        return value.ValueKind switch
        {
            JsonValueKind.Number => value.GetDouble(),
            JsonValueKind.String
                when double.TryParse(
                    value.GetString(),
                    NumberStyles.Float,
                    CultureInfo.InvariantCulture,
                    out var number
                ) => number,
            _ => null,
        };
    }

    /// <summary>A column as text.</summary>
    public static string Text(JsonElement row, string column) =>
        row.TryGetProperty(column, out var value) ? value.ToString() : "";
}
