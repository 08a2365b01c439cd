using System.Net.Http.Json;
using System.Text.Json;
using EventStream.EventStore.Postgres;
using EventStream.Hosting;
using EventStream.Tests.Kit;
using EventStream.Upload;
using Microsoft.AspNetCore.Builder;

namespace EventStream.Integration.Tests.Upload;

/// <summary>
/// An upload role on a free port with a schema and a media folder of its own, which can be stopped and started again.
/// </summary>
internal sealed class UploadHarness : IAsyncDisposable
{
    public const string Key = TestKeys.Publisher;
    private readonly PostgresOptions postgres;
    private readonly string bootstrap;
    private readonly int port = FreePort.Next();
    private readonly Dictionary<string, string?> settings;
    private WebApplication? app;

    private UploadHarness(PostgresOptions postgres, string bootstrap, Dictionary<string, string?> settings) =>
        (this.postgres, this.bootstrap, this.settings) = (postgres, bootstrap, settings);

    public string Url => $"http://127.0.0.1:{port}";

    public string MediaRoot { get; } = Directory.CreateTempSubdirectory("eventstream-media-").FullName;

    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromSeconds(30) };

    public IServiceProvider Services => app!.Services;

    public static async Task<UploadHarness> StartAsync(string bootstrap, Dictionary<string, string?>? settings = null)
    {
        var harness = new UploadHarness(await PostgresFixture.OptionsAsync("upload"), bootstrap, settings ?? []);
        await harness.StartRoleAsync();
        return harness;
    }

    public async Task StartRoleAsync()
    {
        var configuration = RoleHost.ReadConfiguration(
            null,
            new Dictionary<string, string?>(TestKeys.Pairs.Concat(settings))
            {
                ["Listen:upload"] = Url,
                ["Urls:console"] = "http://127.0.0.1:7000",
                ["Kafka:Bootstrap"] = bootstrap,
                ["Postgres:ConnectionString"] = postgres.ConnectionString,
                ["Postgres:MasterKeyFile"] = PostgresFixture.MasterKeyFile.Value,
                ["Postgres:SchemaPrefix"] = $"{postgres.Schema}_",
                ["Media:Root"] = settings.GetValueOrDefault("Media:Root", MediaRoot),
            }
        );
        app = RoleHost.Build(new UploadRole(), configuration);
        await app.StartAsync();
    }

    public async Task StopRoleAsync()
    {
        if (app is null)
            return;
        await app.StopAsync();
        await app.DisposeAsync();
        app = null;
    }

    /// <summary>A tus request with the key and, unless it is null, the version.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        string method,
        string url,
        (string Name, string Value)[] headers,
        byte[]? body = null,
        string? key = Key
    )
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), url.StartsWith('/') ? Url + url : url);
        request.Headers.TryAddWithoutValidation("Tus-Resumable", "1.0.0");
        if (key is not null)
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        if (body is not null)
            request.Content = new ByteArrayContent(body);
        if (body is not null)
            request.Content!.Headers.TryAddWithoutValidation("Content-Type", "application/offset+octet-stream");
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content!.Headers.TryAddWithoutValidation(name, value);
        }

        return await Http.SendAsync(request);
    }

    /// <summary>The keys of everything in the media folder, sorted.</summary>
    public IReadOnlyList<string> MediaKeys() =>
        [
            .. Directory
                .EnumerateFiles(MediaRoot, "*", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(MediaRoot, file))
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Creates an upload and returns its address.</summary>
    public async Task<string> CreateAsync(long length, string metadata = "")
    {
        using var created = await SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", $"{length}"), ("Upload-Metadata", metadata)]
        );
        Assert.Equal(System.Net.HttpStatusCode.Created, created.StatusCode);
        return created.Headers.Location!.ToString();
    }

    public Task<HttpResponseMessage> PatchAsync(
        string url,
        long offset,
        byte[] body,
        params (string, string)[] headers
    ) => SendAsync("PATCH", url, [("Upload-Offset", $"{offset}"), .. headers], body);

    /// <summary>The JSON behind a path, as the holder of a key sees it.</summary>
    public async Task<JsonElement> JsonAsync(string path, string key = Key)
    {
        using var answer = await SendAsync("GET", path, [], key: key);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Asks until the answer is right, for at most 20 seconds.</summary>
    public static async Task<T> Eventually<T>(Func<Task<T>> ask, Func<T, bool> right)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            var answer = await ask();
            if (right(answer))
                return answer;
            if (patience.IsCancellationRequested)
                Assert.Fail($"It stayed {answer}.");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopRoleAsync();
        Http.Dispose();
        Directory.Delete(MediaRoot, recursive: true);
    }
}
