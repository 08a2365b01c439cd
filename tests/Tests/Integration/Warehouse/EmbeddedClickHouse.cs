using EventStream.Tests.Kit;
using EventStream.Warehouse;

namespace EventStream.Tests.Integration.Warehouse;

/// <summary>
/// The embedded engine as its own process on an empty folder, one for all tests of the collection; each takes a
/// database of its own name where it makes tables.
/// </summary>
public sealed class EmbeddedClickHouse : IAsyncLifetime
{
    public const string Password = "writer's \"secret\"", ReaderPassword = "reader-secret";

    private readonly string folder = Directory.CreateTempSubdirectory("eventstream-clickhouse-").FullName;
    private EventStreamProcess? process;

    public EventStreamProcess Process => process ?? throw new InvalidOperationException("The engine was not started.");

    public Uri Url => new(Process.Url);

    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromSeconds(60) };

    public ClickHouseClient Writer => Client("default", Password);

    public ClickHouseClient Reader => Client("reader", ReaderPassword);

    /// <summary>Settings with which another role reaches this engine.</summary>
    public (string, string)[] Settings => [("ClickHouse:Url", Process.Url), ("ClickHouse:Password", Password)];

    public async Task InitializeAsync() => process = await StartAsync();

    /// <summary>Kills the engine, as a crash would, and starts it on the same folder and address.</summary>
    public async Task CrashAsync()
    {
        await Process.KillAsync();
        process = await StartAsync(("Listen:clickhouse", Process.Url));
    }

    /// <summary>An engine on the same folder, which only one may hold.</summary>
    public EventStreamProcess Another() => EventStreamProcess.Launch(
        "clickhouse",
        ("ClickHouse:DataFolder", folder), ("ClickHouse:Password", "w"), ("ClickHouse:ReaderPassword", "r"));

    public async Task DisposeAsync()
    {
        if (process is not null) await process.StopAsync();
        Http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Sends a statement as curl would and returns the response.</summary>
    public Task<HttpResponseMessage> PostAsync(
        string sql, string query = "", string user = "default", string? password = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(Url, "/?" + query))
        {
            Content = new StringContent(sql),
        };
        request.Headers.Add("X-ClickHouse-User", user);
        request.Headers.Add("X-ClickHouse-Key", password ?? (user == "reader" ? ReaderPassword : Password));
        return Http.SendAsync(request);
    }

    private ClickHouseClient Client(string user, string password) =>
        new(Http, new ClickHouseOptions { Url = Url, User = user, Password = password });

    private Task<EventStreamProcess> StartAsync(params (string, string)[] settings) => EventStreamProcess.StartAsync(
        "clickhouse",
        [
            ("ClickHouse:DataFolder", folder), ("ClickHouse:Password", Password),
            ("ClickHouse:ReaderPassword", ReaderPassword), ("ClickHouse:BodyBytesMax", $"{8 << 20}"), .. settings,
        ]);
}

/// <summary>Shares one engine among the test classes of this room.</summary>
[CollectionDefinition(Name)]
public sealed class EmbeddedClickHouseCollection : ICollectionFixture<EmbeddedClickHouse>
{
    public const string Name = "embedded ClickHouse";
}
