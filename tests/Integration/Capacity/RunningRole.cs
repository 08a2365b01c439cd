using System.Net;
using System.Text.Json;
using EventStream.Capacity;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace EventStream.Integration.Tests.Capacity;

/// <summary>The role capacity in this process, asked over HTTP.</summary>
internal sealed class RunningRole(WebApplication app, HttpClient client) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public IEventPublisher Publisher => app.Services.GetRequiredService<IEventPublisher>();

    public static async Task<RunningRole> StartAsync(Dictionary<string, string?> settings)
    {
        var app = RoleHost.Build(new CapacityRole(), RoleHost.ReadConfiguration(overrides: settings));
        await app.StartAsync();
        var role = new RunningRole(app, TestKeys.Client(TestKeys.Operator, app.Urls.First()));
        await UntilReadyAsync(role);
        return role;
    }

    public async Task<T?> GetAsync<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        var (status, body) = await AskAsync(path);
        return status == HttpStatusCode.OK ? JsonSerializer.Deserialize(body, type) : null;
    }

    public async Task<List<ScaleDecided>> DecisionsAsync()
    {
        using var all = JsonDocument.Parse(await GetTextAsync("/v1/decisions"));
        return [.. all.RootElement.EnumerateArray().Select(d => d.Deserialize(ContractsJson.Default.ScaleDecided)!)];
    }

    public async Task<string> GetTextAsync(string path)
    {
        var (status, body) = await AskAsync(path);
        Assert.Equal(HttpStatusCode.OK, status);
        return body;
    }

    public async Task<(HttpStatusCode Status, string Body)> AskAsync(string path)
    {
        using var response = await client.GetAsync(path);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
    }

    public static Task UntilReadyAsync(RunningRole role) =>
        EventuallyAsync(
            async () => (await role.AskAsync("/health/ready")).Status,
            status => status == HttpStatusCode.OK
        );

    public static async Task<T> EventuallyAsync<T>(Func<Task<T?>> ask, Func<T, bool> enough)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var answer = await ask();
            if (answer is not null && enough(answer))
                return answer;
            if (patience.IsCancellationRequested)
                Assert.Fail($"Not answered in {Patience.TotalSeconds:0} s: {answer}.");
            await Task.Delay(20);
        }
    }
}
