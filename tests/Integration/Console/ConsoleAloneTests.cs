using System.Net;
using System.Net.Sockets;
using EventStream.Console;
using EventStream.Hosting;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace EventStream.Integration.Tests.Console;

/// <summary>A console whose every neighbour is away.</summary>
public sealed class LonelyConsole : IAsyncLifetime
{
    private WebApplication app = null!;

    public HttpClient Http { get; } = TestKeys.Client(TestKeys.Operator);

    public async Task InitializeAsync()
    {
        var nobody = $"http://127.0.0.1:{UnusedPort()}";
        var settings = new Dictionary<string, string?>(TestKeys.Pairs)
        {
            ["Listen:console"] = "http://127.0.0.1:0",
            ["Kafka:Bootstrap"] = nobody["http://".Length..],
        };
        foreach (var role in (string[])["upload", "playback", "traffic", "qoe", "capacity", "supervisor", "clickhouse"])
            settings[$"Urls:{role}"] = nobody;
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
        app = RoleHost.Build(new ConsoleRole(), configuration);
        await app.StartAsync();
        Http.BaseAddress = new Uri(app.Urls.First());
    }

    public async Task DisposeAsync()
    {
        await app.StopAsync();
        await app.DisposeAsync();
        Http.Dispose();
    }

    private static int UnusedPort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}

public sealed class ConsoleAloneTests(LonelyConsole console) : IClassFixture<LonelyConsole>
{
    private readonly HttpClient http = console.Http;

    [Theory]
    [InlineData("/api/videos", "upload")]
    [InlineData("/api/edges", "traffic")]
    [InlineData("/api/processes", "supervisor")]
    [InlineData("/api/sessions/x", "qoe")]
    public async Task A_role_that_is_away_is_named(string path, string role)
    {
        using var answer = await http.GetAsync(path);

        Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode);
        Assert.Contains($"The role '{role}' does not answer", Text(await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task A_page_reads_the_status_of_such_an_answer_from_a_header()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/videos");
        request.Headers.Add("X-Console-Page", "1");

        using var answer = await http.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("502", answer.Headers.GetValues("X-Problem-Status").Single());
    }

    [Theory]
    [InlineData("", 400)]
    [InlineData("SELECT 1", 502)]
    public async Task A_query_without_text_or_without_ClickHouse_says_so(string sql, int status)
    {
        using var answer = await http.PostAsync("/api/sql", new StringContent(sql));

        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Fact]
    public async Task A_query_that_is_too_long_is_refused()
    {
        using var answer = await http.PostAsync("/api/sql", new StringContent(new string(' ', 20_001)));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task Live_data_begins_with_every_part_that_was_asked_for()
    {
        using var stream = await http.GetStreamAsync("/api/live?parts=load,alerts");
        using var reader = new StreamReader(stream);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (seen.Count < 2 && await reader.ReadLineAsync(timeout.Token) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
                seen.Add(line["event: ".Length..]);
        }

        Assert.Equal(["alerts", "load"], seen.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("/vendor/hls.min.js")]
    [InlineData("/vendor/dash.all.min.js")]
    [InlineData("/vendor/tus.min.js")]
    [InlineData("/assets/watch.js")]
    [InlineData("/assets/contracts.js")]
    public async Task Scripts_come_from_this_machine(string path)
    {
        using var answer = await http.GetAsync(path);

        Assert.Equal("text/javascript", answer.Content.Headers.ContentType?.MediaType);
        Assert.Contains("default-src 'self'", answer.Headers.GetValues("Content-Security-Policy").Single());
    }

    private static string Text(string json) => json.Replace("\\u0027", "'", StringComparison.Ordinal);
}
