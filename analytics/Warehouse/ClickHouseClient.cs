using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStream.Warehouse;

/// <summary>
/// A client of ClickHouse's HTTP interface. Rows come and go as JSON, one object a line; parameters are bound by the
/// server as <c>{name:Type}</c>. It speaks to a server and to the embedded engine alike. Thread-safe.
/// </summary>
public sealed class ClickHouseClient(HttpClient http, ClickHouseOptions options)
{
    private static readonly JsonSerializerOptions Rows = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // Servers before 25.8 write 64-bit integers as text.
        NumberHandling = JsonNumberHandling.AllowReadingFromString,
        Converters = { new ClickHouseTime() },
    };

    /// <summary>The header by which the embedded engine tells itself from a server.</summary>
    internal const string EmbeddedHeader = "X-EventStream-Embedded";

    /// <summary>Returns when ClickHouse answers; throws <see cref="HttpRequestException"/> when it does not.</summary>
    public async Task PingAsync(CancellationToken cancellation)
    {
        using var response = await http.GetAsync(new Uri(options.Url, "/ping"), cancellation);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Whether this is the embedded engine, which has its users from its settings.</summary>
    public async Task<bool> IsEmbeddedAsync(CancellationToken cancellation)
    {
        using var response = await http.GetAsync(new Uri(options.Url, "/ping"), cancellation);
        return response.EnsureSuccessStatusCode().Headers.Contains(EmbeddedHeader);
    }

    /// <summary>Runs a statement without result. Throws <see cref="ClickHouseException"/>.</summary>
    public async Task ExecuteAsync(
        string sql, CancellationToken cancellation, IReadOnlyDictionary<string, string>? parameters = null)
    {
        using var response = await SendAsync(Query(parameters, []), new StringContent(sql), cancellation);
    }

    /// <summary>
    /// Streams the rows of a SELECT. The statement names no FORMAT. Throws <see cref="ClickHouseException"/>.
    /// </summary>
    public async IAsyncEnumerable<JsonElement> QueryAsync(
        string sql, [EnumeratorCancellation] CancellationToken cancellation,
        IReadOnlyDictionary<string, string>? parameters = null)
    {
        await foreach (var line in LinesAsync(sql, parameters, cancellation))
        {
            using var row = JsonDocument.Parse(line);
            yield return row.RootElement.Clone();
        }
    }

    /// <summary>
    /// Streams the rows of a SELECT as records whose properties are the columns in Pascal case; DateTime columns become
    /// <see cref="DateTimeOffset"/> in UTC. Throws <see cref="ClickHouseException"/> and <see cref="JsonException"/>.
    /// </summary>
    public async IAsyncEnumerable<T> QueryAsync<T>(
        string sql, [EnumeratorCancellation] CancellationToken cancellation,
        IReadOnlyDictionary<string, string>? parameters = null)
    {
        await foreach (var line in LinesAsync(sql, parameters, cancellation))
        {
            yield return JsonSerializer.Deserialize<T>(line, Rows)
                ?? throw new JsonException($"A row of {typeof(T).Name} was expected and ClickHouse sent null.");
        }
    }

    /// <summary>
    /// Inserts rows, one JSON object a line, as one block or not at all. Rows sent again with the same
    /// <paramref name="token"/> are stored once, in the table and in its materialized views, provided that both keep a
    /// deduplication window. Throws <see cref="ClickHouseException"/>.
    /// </summary>
    public async Task InsertAsync(
        string table, ReadOnlyMemory<byte> jsonLines, string token, CancellationToken cancellation)
    {
        var query = Query(null,
        [
            ("query", $"INSERT INTO {table} FORMAT JSONEachRow"),
            ("async_insert", "0"),
            ("insert_deduplicate", "1"),
            ("insert_deduplication_token", token),
            ("deduplicate_blocks_in_dependent_materialized_views", "1"),
            ("max_partitions_per_insert_block", "0"),
            ("date_time_input_format", "best_effort"),
        ]);
        using var response = await SendAsync(query, new ReadOnlyMemoryContent(jsonLines), cancellation);
    }

    private async IAsyncEnumerable<string> LinesAsync(
        string sql, IReadOnlyDictionary<string, string>? parameters,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var query = Query(parameters, [("default_format", "JSONEachRow")]);
        using var response = await SendAsync(query, new StringContent(sql), cancellation);
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        using var reader = new StreamReader(body, Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            // A query that fails after its first rows says so at the end of the body; a row always begins with a brace.
            if (line.StartsWith('{')) yield return line;
            else if (line.Length > 0) throw ClickHouseException.Parse(await FailureAsync(line, reader, cancellation));
        }
    }

    private static async Task<string> FailureAsync(string line, StreamReader reader, CancellationToken cancellation)
    {
        var rest = line + "\n" + await reader.ReadToEndAsync(cancellation);
        var start = rest.IndexOf("Code: ", StringComparison.Ordinal);
        return start < 0 ? rest : rest[start..].Split("\r\n__exception__")[0];
    }

    private async Task<HttpResponseMessage> SendAsync(string query, HttpContent content, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(options.Url, "/?" + query));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        request.Content = content;
        request.Headers.Add("X-ClickHouse-User", options.User);
        if (!string.IsNullOrEmpty(options.Password)) request.Headers.Add("X-ClickHouse-Key", options.Password);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.Timeout);
        try
        {
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (response.IsSuccessStatusCode) return response;
            using (response)
                throw ClickHouseException.Parse(await response.Content.ReadAsStringAsync(limit.Token));
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new HttpRequestException($"ClickHouse at {options.Url} did not answer within {options.Timeout}.", e);
        }
    }

    private static string Query(
        IReadOnlyDictionary<string, string>? parameters, IEnumerable<(string Name, string Value)> settings)
    {
        var bound = (parameters ?? new Dictionary<string, string>()).Select(pair => ($"param_{pair.Key}", pair.Value));
        return string.Join('&', settings.Concat(bound)
            .Select(pair => $"{Uri.EscapeDataString(pair.Item1)}={Uri.EscapeDataString(pair.Item2)}"));
    }

    /// <summary>DateTime and DateTime64 as ClickHouse writes them: <c>2026-11-22 08:00:00.123</c>, in UTC.</summary>
    private sealed class ClickHouseTime : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            DateTimeOffset.Parse(
                reader.GetString() ?? "", System.Globalization.CultureInfo.InvariantCulture,
                System.Globalization.DateTimeStyles.AssumeUniversal);

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.UtcDateTime.ToString(
                "yyyy-MM-dd HH:mm:ss.fff", System.Globalization.CultureInfo.InvariantCulture));
    }
}
