using System.Text.Json;
using ClickHouse.Driver;
using ClickHouse.Driver.ADO;

namespace EventStream.Tests.Kit;

/// <summary>
/// The embedded engine as its own process on an empty folder, one for all tests of the collection; each takes a
/// database of its own name where it makes tables.
/// </summary>
public sealed class EmbeddedClickHouse : IAsyncLifetime
{
    public const string Password = "writer's \"secret\"",
        ReaderPassword = "reader-secret";

    /// <summary>Longest body of a request, in bytes; small, so that a test can exceed it.</summary>
    public int BodyBytesMax { get; init; } = 8 << 20;

    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-clickhouse-").FullName;
    private EventStreamProcess? process;

    public EventStreamProcess Process => process ?? throw new InvalidOperationException("The engine was not started.");

    public Uri Url => new(Process.Url);

    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>The official driver as the user that writes.</summary>
    public IClickHouseClient Writer { get; private set; } = null!;

    /// <summary>The official driver as the user that reads.</summary>
    public IClickHouseClient Reader { get; private set; } = null!;

    /// <summary>Settings with which another role reaches this engine.</summary>
    public (string, string)[] Settings => [("ClickHouse:Url", Process.Url), ("ClickHouse:Password", Password)];

    public async Task InitializeAsync()
    {
        process = await StartAsync();
        Writer = Client("default", Password);
        Reader = Client("reader", ReaderPassword);
    }

    /// <summary>Kills the engine, as a crash would, and starts it on the same folder and address.</summary>
    public async Task CrashAsync()
    {
        await Process.KillAsync();
        process = await StartAsync(("Listen:clickhouse", Process.Url));
    }

    /// <summary>An engine on the same folder, which only one may hold.</summary>
    public EventStreamProcess Another() =>
        EventStreamProcess.Launch(
            "clickhouse",
            ("ClickHouse:DataFolder", folder),
            ("ClickHouse:Password", "w"),
            ("ClickHouse:ReaderPassword", "r")
        );

    public async Task DisposeAsync()
    {
        Writer?.Dispose();
        Reader?.Dispose();
        if (process is not null)
            await process.StopAsync();
        Http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Sends a statement as curl would and returns the response.</summary>
    public Task<HttpResponseMessage> PostAsync(
        string sql,
        string query = "",
        string user = "default",
        string? password = null
    )
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Url, "/?" + query))
        {
            Content = new StringContent(sql),
        };
        request.Headers.Add("X-ClickHouse-User", user);
        request.Headers.Add("X-ClickHouse-Key", password ?? (user == "reader" ? ReaderPassword : Password));
        return Http.SendAsync(request);
    }

    /// <summary>The rows of a SELECT as the reader sees them, as JSON.</summary>
    public async Task<List<JsonElement>> RowsAsync(string sql)
    {
        using var result = await Reader.ExecuteRawResultAsync(
            $"{sql} FORMAT JSONEachRow",
            new QueryOptions
            {
                CustomSettings = new Dictionary<string, object> { ["output_format_json_quote_64bit_integers"] = 0 },
            }
        );
        var text = await result.ReadAsStringAsync();
        return
        [
            .. text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonSerializer.Deserialize<JsonElement>(line)),
        ];
    }

    /// <summary>Inserts rows, one JSON object a line, under a deduplication token.</summary>
    public async Task InsertAsync(string table, byte[] lines, string token)
    {
        using var answer = await Writer.InsertRawStreamAsync(
            table,
            new MemoryStream(lines),
            "JSONEachRow",
            null,
            false,
            new QueryOptions
            {
                CustomSettings = new Dictionary<string, object> { ["insert_deduplication_token"] = token },
            }
        );
    }

    private ClickHouseClient Client(string user, string password) =>
        new(
            new ClickHouseClientSettings
            {
                Host = Url.Host,
                Port = (ushort)Url.Port,
                Username = user,
                Password = password,
            }
        );

    private Task<EventStreamProcess> StartAsync(params (string, string)[] settings) =>
        EventStreamProcess.StartAsync(
            "clickhouse",
            [
                ("ClickHouse:DataFolder", folder),
                ("ClickHouse:Password", Password),
                ("ClickHouse:ReaderPassword", ReaderPassword),
                ("ClickHouse:BodyBytesMax", $"{BodyBytesMax}"),
                .. settings,
            ]
        );
}
