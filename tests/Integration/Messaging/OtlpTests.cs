using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using EventStream.EventStore;
using EventStream.Hosting;
using EventStream.Integration.Tests.Collect;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace EventStream.Integration.Tests.Messaging;

/// <summary>What a role sends to the endpoint of an OpenTelemetry collector, over OTLP on HTTP.</summary>
public sealed class OtlpTests(TestBroker broker) : IClassFixture<TestBroker>
{
    private const string TraceId = "5bf92f3577b34da6a3ce929d0e0e4737";
    private const string Secret = "secret-of-a-viewer";

    [Fact]
    public async Task A_role_exports_the_spans_of_its_requests_and_its_metrics()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var role = await EventStreamProcess.StartAsync(
            "collect",
            ("Kafka:Bootstrap", broker.Bootstrap),
            ("Otlp:Endpoint", receiver.Url),
            ("Playback:SigningKey", CollectRig.SigningKey)
        );
        await SendBeaconAsync(role.Url);
        Assert.Equal(0, await role.StopAsync());

        var trace = Convert.FromHexString(TraceId);
        var spans = receiver.Bodies("/v1/traces").Where(body => body.AsSpan().IndexOf(trace) >= 0).ToList();
        Assert.NotEmpty(spans);
        Assert.Contains(spans, body => Holds(body, "POST /v1/cmcd") && Holds(body, "http.response.status_code"));
        Assert.DoesNotContain(receiver.Bodies("/v1/traces"), body => Holds(body, Secret) || Holds(body, "/health"));
        Assert.Contains(receiver.Bodies("/v1/metrics"), body => Holds(body, "eventstream."));
        Assert.Contains(receiver.Bodies("/v1/metrics"), body => Holds(body, "http.server.request.duration"));
        Assert.Contains(receiver.Bodies("/v1/metrics"), body => Holds(body, "dotnet.gc.collections"));
    }

    [Fact]
    public async Task Requests_that_a_role_sends_and_statements_of_the_store_are_traced_and_counted()
    {
        await using var receiver = await Receiver.StartAsync();
        var configuration = RoleHost.ReadConfiguration(
            overrides: new Dictionary<string, string?> { ["Otlp:Endpoint"] = receiver.Url }
        );
        var cluster = await PostgresFixture.ClusterAsync();
        using (TelemetryExport.Start(configuration, "test", StoreTelemetry.Instrumentation))
        {
            await using var connection = new NpgsqlConnection(cluster.ConnectionString);
            await connection.OpenAsync();
            await using var statement = new NpgsqlCommand("select 4711", connection);
            await statement.ExecuteScalarAsync();
            using var client = new HttpClient();
            using var response = await client.GetAsync($"{receiver.Url}/v1/asked?token={Secret}");
        }

        Assert.Contains(receiver.Bodies("/v1/traces"), body => Holds(body, "select 4711"));
        Assert.Contains(receiver.Bodies("/v1/traces"), body => Holds(body, "/v1/asked"));
        Assert.DoesNotContain(receiver.Bodies("/v1/traces"), body => Holds(body, Secret));
        Assert.Contains(receiver.Bodies("/v1/metrics"), body => Holds(body, "db.client.operation.duration"));
        Assert.Contains(receiver.Bodies("/v1/metrics"), body => Holds(body, "http.client.request.duration"));
    }

    private static async Task SendBeaconAsync(string url)
    {
        var timestamp = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{url}/v1/cmcd?video=v&token={Secret}")
        {
            Content = new StringContent(
                $"e=ps,sta=p,sid=\"{Guid.NewGuid()}\",ts={timestamp},v=2",
                Encoding.UTF8,
                "application/cmcd"
            ),
        };
        request.Headers.Add("traceparent", $"00-{TraceId}-00f067aa0ba902b7-01");
        using var response = await client.SendAsync(request);
        Assert.Equal(System.Net.HttpStatusCode.NoContent, response.StatusCode);
        using var misled = await client.GetAsync($"{url}/s/1790000000/{Secret}/media/v/master.m3u8");
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, misled.StatusCode);
    }

    private static bool Holds(byte[] body, string text) => body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;

    /// <summary>An endpoint that keeps every export as it came.</summary>
    private sealed class Receiver(WebApplication app, ConcurrentQueue<(string Path, byte[] Body)> exports)
        : IAsyncDisposable
    {
        public string Url => app.Urls.Single();

        public static async Task<Receiver> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var app = builder.Build();
            var exports = new ConcurrentQueue<(string Path, byte[] Body)>();
            app.MapPost(
                "/v1/{signal}",
                async (HttpRequest request) =>
                {
                    using var body = new MemoryStream();
                    await request.Body.CopyToAsync(body);
                    exports.Enqueue((request.Path.Value!, body.ToArray()));
                    return Results.Bytes([], "application/x-protobuf");
                }
            );
            await app.StartAsync();
            return new Receiver(app, exports);
        }

        public List<byte[]> Bodies(string path) =>
            [.. exports.Where(export => export.Path == path).Select(export => export.Body)];

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
