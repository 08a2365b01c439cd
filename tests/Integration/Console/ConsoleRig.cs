using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using EventStream.Console;
using EventStream.Hosting;
using EventStream.Hosting.Access;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace EventStream.Integration.Tests.Console;

/// <summary>
/// A console with the keys of <see cref="TestKeys"/>, and in place of Upload a role that says who asks. Nobody else is
/// there.
/// </summary>
public sealed class ConsoleRig : IAsyncDisposable
{
    private readonly List<WebApplication> apps = [];

    public string Url { get; private set; } = "";

    /// <summary>Starts both; <paramref name="settings"/> come on top of the keys.</summary>
    public static async Task<ConsoleRig> StartAsync(params (string Key, string? Value)[] settings)
    {
        var rig = new ConsoleRig();
        var upload = await rig.RunAsync(new WhoAsks(), Settings("upload"));
        var nobody = $"http://127.0.0.1:{UnusedPort()}";
        var console = Settings("console");
        console["Kafka:Bootstrap"] = nobody["http://".Length..];
        foreach (var role in (string[])["playback", "traffic", "qoe", "capacity", "supervisor", "clickhouse"])
            console[$"Urls:{role}"] = nobody;
        console["Urls:upload"] = upload;
        foreach (var (key, value) in settings)
            console[key] = value;
        rig.Url = await rig.RunAsync(new ConsoleRole(), console);
        return rig;
    }

    /// <summary>A browser without a session.</summary>
    public BrowserClient Browser() => new(Url);

    /// <summary>A browser that signed in.</summary>
    public async Task<BrowserClient> SignedInAsync(string key)
    {
        var browser = Browser();
        using var answer = await browser.SignInAsync(key);
        answer.EnsureSuccessStatusCode();
        return browser;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var app in apps)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }

    private static Dictionary<string, string?> Settings(string role) =>
        new(TestKeys.Pairs, StringComparer.OrdinalIgnoreCase) { [$"Listen:{role}"] = "http://127.0.0.1:0" };

    private async Task<string> RunAsync(IRole role, Dictionary<string, string?> settings)
    {
        var app = RoleHost.Build(role, new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        apps.Add(app);
        await app.StartAsync();
        return app.Urls.First();
    }

    private static int UnusedPort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>Answers with who asks, as every role learns it.</summary>
    private sealed class WhoAsks : IRole
    {
        public string Name => "upload";

        public string Summary => "says who asks";

        public void Configure(WebApplicationBuilder builder) { }

        public void Map(WebApplication app)
        {
            app.MapGet("/v1/videos", Who).RequireAuthorization(Policies.ReadVideos);
            app.MapPost(
                    "/v1/uploads",
                    (HttpContext http) =>
                    {
                        http.Response.Headers.Location = $"{http.Request.Scheme}://{http.Request.Host}/v1/uploads/one";
                        return Results.Text(Who(http), statusCode: StatusCodes.Status201Created);
                    }
                )
                .RequireAuthorization(Policies.Publish);
            app.MapMethods(
                    "/v1/uploads/{id}",
                    ["PATCH"],
                    async (string id, HttpContext http) =>
                    {
                        using var copy = new MemoryStream();
                        await http.Request.Body.CopyToAsync(copy);
                        return $"{id} {copy.Length} {Who(http)}";
                    }
                )
                .RequireAuthorization(Policies.Publish);
        }

        private static string Who(HttpContext http) =>
            $"{http.Caller()} from {http.Connection.RemoteIpAddress} cookies {http.Request.Cookies.Count}";
    }
}

/// <summary>Keeps cookies as a browser does and sends the antiforgery token as the pages do.</summary>
public sealed class BrowserClient(string url) : IDisposable
{
    private readonly HttpClient http = new(new SocketsHttpHandler { CookieContainer = new CookieContainer() })
    {
        BaseAddress = new Uri(url),
    };

    /// <summary>Who the console says is signed in, and the token.</summary>
    public async Task<JsonElement> SessionAsync() => await http.GetFromJsonAsync<JsonElement>("/api/session");

    public async Task<string> TokenAsync() => (await SessionAsync()).GetProperty("token").GetString()!;

    public async Task<HttpResponseMessage> SignInAsync(string key) =>
        await SendAsync(HttpMethod.Post, "/api/session", JsonContent.Create(new { key }));

    public Task<HttpResponseMessage> GetAsync(string path, CancellationToken cancellation = default) =>
        http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellation);

    /// <summary>A write of a page: with the token of the session.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content = null) =>
        await SendBareAsync(method, path, content, ("X-Antiforgery", await TokenAsync()));

    /// <summary>A request with the browser's cookies and only these headers.</summary>
    public async Task<HttpResponseMessage> SendBareAsync(
        HttpMethod method,
        string path,
        HttpContent? content,
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await http.SendAsync(request);
    }

    public void Dispose() => http.Dispose();
}
