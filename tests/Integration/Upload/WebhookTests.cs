using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using EventStream.Tests.Kit;
using EventStream.Upload.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using static EventStream.Integration.Tests.Upload.TusHarness;

namespace EventStream.Integration.Tests.Upload;

/// <summary>A publisher's address is called about its videos, signed, and again where the call fails.</summary>
public sealed class WebhookTests : IAsyncLifetime
{
    private TestBroker broker = null!;
    private UploadHarness upload = null!;
    private Receiver receiver = null!;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        receiver = await Receiver.StartAsync();
        upload = await UploadHarness.StartAsync(
            broker.Bootstrap,
            new()
            {
                ["Webhooks:AllowedNetworks"] = "127.0.0.0/8",
                ["Webhooks:PerPublisherMax"] = "2",
                ["Webhooks:Timeout"] = "00:00:05",
            }
        );
    }

    public async Task DisposeAsync()
    {
        await upload.DisposeAsync();
        await receiver.DisposeAsync();
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task Every_event_of_a_publishers_videos_is_delivered_with_a_signature_that_holds()
    {
        var hook = await HookAsync();
        var id = IdOf(await upload.CreateAsync(5));
        using var other = await upload.SendAsync(
            "POST",
            "/v1/uploads",
            [("Upload-Length", "5")],
            key: TestKeys.OtherPublisher
        );
        using var whole = await upload.PatchAsync($"/v1/uploads/{id}", 0, "hello"u8.ToArray());
        await UploadHarness.Eventually(() => Task.FromResult(receiver.Calls.Count), count => count == 2);

        var secret = hook.GetProperty("secret").GetString()!;
        Assert.All(receiver.Calls, call => Assert.Equal(call.Signature, call.SignedWith(secret)));
        Assert.Equal(2, receiver.Calls.Select(call => call.Id).Distinct().Count());
        var payloads = receiver.Calls.Select(call => JsonDocument.Parse(call.Body).RootElement).ToList();
        Assert.Equal(
            ["video.registered.v1", "video.uploaded.v1"],
            payloads.Select(payload => payload.GetProperty("type").GetString()).Order()
        );
        Assert.All(
            payloads,
            payload => Assert.Equal(id, payload.GetProperty("data").GetProperty("videoId").GetString())
        );
        var log = await UploadHarness.Eventually(
            () => LogAsync(hook),
            log => log.All(call => State(call) == "delivered")
        );
        Assert.All(log, call => Assert.Equal((1, 200), (Attempts(call), call.GetProperty("status").GetInt32())));
    }

    [Fact]
    public async Task A_call_that_fails_is_made_again_under_its_id_until_it_arrives()
    {
        receiver.Answers.Enqueue(500);
        receiver.Answers.Enqueue(302);
        var hook = await HookAsync("video.registered.v1");
        await upload.CreateAsync(5);
        foreach (var (attempts, words) in ((int, string)[])[(1, "answered 500"), (2, "redirects are not followed")])
        {
            var failed = await UploadHarness.Eventually(
                async () => Assert.Single(await AtLeastOneAsync(hook)),
                call => Attempts(call) == attempts
            );
            Assert.Equal("waiting", State(failed));
            Assert.Contains(words, failed.GetProperty("trouble").GetString(), StringComparison.Ordinal);
            Assert.True(Time(failed, "dueAt") > Time(failed, "attemptedAt"));
            await ExecuteAsync("update webhook_deliveries set due_at = now() - interval '1 second'");
        }

        await UploadHarness.Eventually(
            async () => Assert.Single(await LogAsync(hook)),
            call => State(call) == "delivered"
        );
        Assert.Equal(3, receiver.Calls.Count);
        Assert.Single(receiver.Calls.Select(call => call.Id).Distinct());
    }

    [Fact]
    public async Task After_its_last_attempt_a_call_has_failed()
    {
        receiver.Answers.Enqueue(500);
        var hook = await HookAsync("video.registered.v1");
        await upload.CreateAsync(5);
        await UploadHarness.Eventually(() => LogAsync(hook), log => log.Any(call => Attempts(call) == 1));
        receiver.Answers.Enqueue(500);
        await ExecuteAsync($"update webhook_deliveries set attempts = {WebhookSender.Delays.Count}, due_at = now()");
        var ended = await UploadHarness.Eventually(
            async () => Assert.Single(await LogAsync(hook)),
            call => State(call) == "failed"
        );
        Assert.Equal(JsonValueKind.Null, ended.GetProperty("dueAt").ValueKind);
    }

    [Fact]
    public async Task A_receiver_that_is_gone_is_called_no_more()
    {
        receiver.Answers.Enqueue(410);
        var hook = await HookAsync();
        await upload.CreateAsync(5);
        var disabled = await UploadHarness.Eventually(
            () => upload.JsonAsync($"/v1/webhooks/{hook.GetProperty("id").GetString()}"),
            found => State(found) == "disabled"
        );
        Assert.Contains("410", disabled.GetProperty("trouble").GetString(), StringComparison.Ordinal);
        Assert.Equal("failed", State(Assert.Single(await LogAsync(hook))));
    }

    [Theory]
    [InlineData("""{"url":"http://10.0.0.1/hook"}""", "not a public address")]
    [InlineData("""{"url":"https://169.254.169.254/latest"}""", "not a public address")]
    [InlineData("""{"url":"https://[::1]/"}""", "not a public address")]
    [InlineData("""{"url":"https://0x0a000001/"}""", "not a public address")]
    [InlineData("""{"url":"http://93.184.215.14/hook"}""", "Without TLS")]
    [InlineData("""{"url":"https://user:word@93.184.215.14/"}""", "without user")]
    [InlineData("""{"url":"file:///etc/passwd"}""", "send an address")]
    [InlineData("""{}""", "send an address")]
    [InlineData("""{"url":"http://127.0.0.1/","events":["video.lost.v1"]}""", "'video.lost.v1' is none")]
    [InlineData("[1]", "not the JSON")]
    public async Task What_may_not_be_called_is_refused(string body, string detail)
    {
        using var refused = await PostAsync(body);
        Assert.Contains(detail, await refused.ProblemAsync(400), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_is_not_allowed_any_more_is_not_called()
    {
        var hook = await HookAsync("video.registered.v1");
        await ExecuteAsync("update webhooks set url = 'http://[::1]:9/'");
        await upload.CreateAsync(5);
        var log = await UploadHarness.Eventually(() => LogAsync(hook), log => log.Any(call => Attempts(call) == 1));
        Assert.Contains("not a public address", log[0].GetProperty("trouble").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_publisher_has_its_own_hooks_up_to_the_bound()
    {
        var id = (await HookAsync()).GetProperty("id").GetString()!;
        using var again = await PostAsync(Body(), key: "k1");
        using var repeated = await PostAsync(Body(), key: "k1");
        Assert.Equal(await again.Content.ReadAsStringAsync(), await repeated.Content.ReadAsStringAsync());
        using var otherwise = await PostAsync(Body("video.deleted.v1"), key: "k1");
        Assert.Contains("k1", await otherwise.ProblemAsync(422), StringComparison.Ordinal);
        using var third = await PostAsync(Body());
        Assert.Contains("PerPublisherMax", await third.ProblemAsync(409), StringComparison.Ordinal);

        var list = (await upload.JsonAsync("/v1/webhooks")).GetProperty("webhooks");
        Assert.Equal(2, list.GetArrayLength());
        Assert.DoesNotContain("whsec_", $"{list}", StringComparison.Ordinal);
        foreach (var (method, path) in ((string, string)[])[("GET", ""), ("GET", "/deliveries"), ("DELETE", "")])
        {
            using var theirs = await upload.SendAsync(
                method,
                $"/v1/webhooks/{id}{path}",
                [],
                key: TestKeys.OtherPublisher
            );
            Assert.Equal(HttpStatusCode.NotFound, theirs.StatusCode);
        }

        using var deleted = await upload.SendAsync("DELETE", $"/v1/webhooks/{id}", []);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var gone = await upload.SendAsync("GET", $"/v1/webhooks/{id}", []);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    private string Body(params string[] events) => JsonSerializer.Serialize(new { url = receiver.Url, events });

    private async Task<JsonElement> HookAsync(params string[] events)
    {
        using var created = await PostAsync(Body(events));
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        return await created.Content.ReadFromJsonAsync<JsonElement>();
    }

    private async Task<HttpResponseMessage> PostAsync(string body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{upload.Url}/v1/webhooks")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {UploadHarness.Key}");
        if (key is not null)
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        return await upload.Http.SendAsync(request);
    }

    private async Task<IReadOnlyList<JsonElement>> LogAsync(JsonElement hook) =>
        [
            .. (await upload.JsonAsync($"/v1/webhooks/{hook.GetProperty("id").GetString()}/deliveries"))
                .GetProperty("deliveries")
                .EnumerateArray(),
        ];

    private Task<IReadOnlyList<JsonElement>> AtLeastOneAsync(JsonElement hook) =>
        UploadHarness.Eventually(() => LogAsync(hook), log => log.Count > 0);

    private async Task ExecuteAsync(string sql)
    {
        await using var command = upload.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static string State(JsonElement of) => of.GetProperty("state").GetString()!;

    private static DateTimeOffset Time(JsonElement call, string name) => call.GetProperty(name).GetDateTimeOffset();

    private static int Attempts(JsonElement call) => call.GetProperty("attempts").GetInt32();

    /// <summary>A call as it arrived.</summary>
    private sealed record Call(string Id, string Timestamp, string Signature, string Body)
    {
        /// <summary>What the receiver computes, as the specification of Standard Webhooks says.</summary>
        public string SignedWith(string secret)
        {
            var key = Convert.FromBase64String(secret["whsec_".Length..]);
            using var hmac = new System.Security.Cryptography.HMACSHA256(key);
            var hash = hmac.ComputeHash(Encoding.UTF8.GetBytes(string.Join('.', Id, Timestamp, Body)));
            return $"v1,{Convert.ToBase64String(hash)}";
        }
    }

    /// <summary>What a publisher runs: it takes calls, and answers 200 where nothing else is to be answered.</summary>
    private sealed class Receiver(WebApplication app, string url) : IAsyncDisposable
    {
        public string Url => url;

        public ConcurrentQueue<Call> Calls { get; } = new();

        public ConcurrentQueue<int> Answers { get; } = new();

        public static async Task<Receiver> StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            var address = $"http://127.0.0.1:{FreePort.Next()}";
            builder.WebHost.UseUrls(address);
            var app = builder.Build();
            var receiver = new Receiver(app, $"{address}/hook");
            app.MapPost("/hook", (RequestDelegate)receiver.TakeAsync);
            await app.StartAsync();
            return receiver;
        }

        public async ValueTask DisposeAsync() => await app.DisposeAsync();

        private async Task TakeAsync(HttpContext context)
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync();
            var headers = context.Request.Headers;
            Calls.Enqueue(
                new Call(
                    $"{headers["webhook-id"]}",
                    $"{headers["webhook-timestamp"]}",
                    $"{headers["webhook-signature"]}",
                    body
                )
            );
            context.Response.StatusCode = Answers.TryDequeue(out var status) ? status : 200;
            if (status == 302)
                context.Response.Headers.Location = url;
        }
    }
}
