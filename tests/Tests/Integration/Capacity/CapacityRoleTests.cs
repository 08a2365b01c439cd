using System.Net;
using System.Text.Json;
using EventStream.Capacity;
using EventStream.Capacity.Scaling;
using EventStream.Contracts;
using EventStream.Hosting;
using EventStream.Messaging.Kafka;
using EventStream.Tests.Kit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EventStream.Tests.Integration.Capacity;

/// <summary>
/// The role on a real broker, with a real supervisor's routes over HTTP; time is compressed: a day is 24 steps.
/// </summary>
[Trait("Category", "Integration")]
public sealed class CapacityRoleTests : IAsyncLifetime
{
    private const int Day = 24;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Supervisor supervisor = new();
    private TestBroker? broker;
    private long first;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        await supervisor.StartAsync();
        // Whole days before now, so that no broker takes the records for expired ones.
        var today = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / (long)Step.TotalSeconds;
        first = (today / Day * Day) - (10 * Day);
    }

    public async Task DisposeAsync()
    {
        await supervisor.DisposeAsync();
        await broker!.DisposeAsync();
    }

    [Fact]
    public async Task Load_becomes_forecasts_decisions_and_replicas_and_a_restart_rebuilds_it_from_the_log()
    {
        const int Known = (4 * Day) + 1;
        await using (var role = await StartAsync())
        {
            for (var step = 0; step < Known; step++) await PublishAsync(role, step);
            var forecast = await EventuallyAsync(
                () => role.GetAsync("/v1/forecasts/viewers", ContractsJson.Default.ForecastPublished),
                made => made.HistorySteps == Known - 1);
            CheckForecast(forecast);

            // The morning rise: by the peak more than two replicas' worth of viewers is there.
            for (var step = Known; step < Known + 8; step++) await PublishAsync(role, step);
            await UntilAsync(() => supervisor.Replicas == 4, () =>
                $"the supervisor has {supervisor.Replicas} replicas");
            var decision = await EventuallyAsync(
                async () => await role.DecisionsAsync(),
                all => all.Any(d => d is { Applied: true, DesiredReplicas: 4 }));
            Assert.All(decision, d => Assert.Equal(0, (d.Time.ToUnixTimeSeconds() / 3.0) % 1));
            Assert.Contains("viewers now", decision[0].Reason);
            Assert.Contains(supervisor.Reasons, reason => reason.Contains("out from", StringComparison.Ordinal));
        }

        await using var again = await StartAsync();
        var resources = await again.GetTextAsync("/v1/resources");
        Assert.Contains($"\"steps\":{Known + 7}", resources);
        var kept = await EventuallyAsync(async () => await again.DecisionsAsync(), all => all.Count > 0);
        var newest = kept.Max(d => d.Time);
        await EventuallyAsync(
            () => again.GetAsync("/v1/forecasts/viewers", ContractsJson.Default.ForecastPublished),
            made => made.HistorySteps == Known + 7);
        Assert.Equal(newest, (await again.DecisionsAsync()).Max(d => d.Time));
    }

    [Fact]
    public async Task A_supervisor_that_refuses_is_told_in_the_decision_and_asked_again()
    {
        await using var role = await StartAsync();
        supervisor.Refusal = "no memory left for another worker";
        await PublishAsync(role, 0, 300);
        await UntilReadyAsync(role);
        for (var step = 1; step < 4; step++) await PublishAsync(role, step, 300);
        var refused = await EventuallyAsync(
            async () => await role.DecisionsAsync(), all => all.Any(d => d.Error is not null));
        var decision = refused.First(d => d.Error is not null);
        Assert.False(decision.Applied);
        Assert.Contains("no memory left", decision.Error);
        Assert.Equal(1, supervisor.Replicas);
        supervisor.Refusal = null;
        for (var step = 4; step < 7; step++) await PublishAsync(role, step, 300);
        await UntilAsync(() => supervisor.Replicas == 4, () => $"the supervisor has {supervisor.Replicas} replicas");
    }

    [Fact]
    public async Task Bad_questions_get_problem_details()
    {
        await using var role = await StartAsync();
        var (status, body) = await role.AskAsync("/v1/forecasts/nothing");
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Contains("No load of 'nothing' was seen", body);
        (status, body) = await role.AskAsync("/v1/decisions?limit=0");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("it must lie between 1 and", body);
    }

    private static void CheckForecast(ForecastPublished forecast)
    {
        Assert.Equal("comb_w", forecast.Model);
        Assert.Equal(Day, forecast.Steps.Count);
        Assert.Equal(1, forecast.Weights.Values.Sum(), 2);
        Assert.Equal(forecast.Origin, forecast.Steps[0].Time);
        Assert.Equal(forecast.Origin + Step, forecast.Steps[1].Time);
        for (var i = 0; i < Day; i++)
        {
            var at = forecast.Steps[i];
            Assert.True(at.Q50 <= at.Q90 && at.Q90 <= at.Q95 && at.Q95 <= at.Q99);
            Assert.InRange(at.Q50, Curve(i) - 25, Curve(i) + 25);
        }
    }

    /// <summary>Between 20 and 320 viewers.</summary>
    private static double Curve(long step) => 170 + (150 * Math.Sin(2 * Math.PI * (step % Day) / Day));

    private Task PublishAsync(RunningRole role, int step, double? value = null)
    {
        var time = DateTimeOffset.UnixEpoch + ((first + step) * Step);
        var load = new LoadMeasured("viewers", time, Step.TotalSeconds, value ?? Curve(step), "viewers");
        return role.Publisher.PublishAsync(Topics.TrafficLoad, load.Resource, load, time, CancellationToken.None);
    }

    private Task<RunningRole> StartAsync() => RunningRole.StartAsync(new Dictionary<string, string?>
    {
        ["Kafka:Bootstrap"] = broker!.Bootstrap,
        ["Listen:capacity"] = "http://127.0.0.1:0",
        ["Urls:supervisor"] = supervisor.Url,
        ["Capacity:StepSeconds"] = "3",
        ["Capacity:SeasonSteps"] = "24",
        ["Capacity:HorizonSteps"] = "24",
        ["Capacity:Targets:0:Name"] = "encode-workers",
        ["Capacity:Targets:0:Resource"] = "viewers",
        ["Capacity:Targets:0:UnitsPerReplica"] = "100",
        ["Capacity:Targets:0:MaxReplicas"] = "4",
    });

    private static Task UntilReadyAsync(RunningRole role) => EventuallyAsync(
        async () => (await role.AskAsync("/health/ready")).Status, status => status == HttpStatusCode.OK);

    private static async Task UntilAsync(Func<bool> reached, Func<string> state)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!reached())
        {
            if (patience.IsCancellationRequested) Assert.Fail(
                $"Not reached in {Patience.TotalSeconds:0} s: {state()}.");
            await Task.Delay(20);
        }
    }

    private static async Task<T> EventuallyAsync<T>(Func<Task<T?>> ask, Func<T, bool> enough)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var answer = await ask();
            if (answer is not null && enough(answer)) return answer;
            if (patience.IsCancellationRequested) Assert.Fail(
                $"Not answered in {Patience.TotalSeconds:0} s: {answer}.");
            await Task.Delay(20);
        }
    }

    private sealed class RunningRole(WebApplication app, HttpClient client) : IAsyncDisposable
    {
        public IEventPublisher Publisher => app.Services.GetRequiredService<IEventPublisher>();

        public static async Task<RunningRole> StartAsync(Dictionary<string, string?> settings)
        {
            var app = RoleHost.Build(new CapacityRole(), RoleHost.ReadConfiguration(overrides: settings));
            await app.StartAsync();
            var role = new RunningRole(app, new HttpClient { BaseAddress = new Uri(app.Urls.First()) });
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
            return [.. all.RootElement.EnumerateArray().Select(d =>
                d.Deserialize(ContractsJson.Default.ScaleDecided)!)];
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
    }

    /// <summary>The scaling routes of a supervisor that runs up to four replicas.</summary>
    private sealed class Supervisor : IAsyncDisposable
    {
        private readonly List<string> reasons = [];
        private WebApplication? app;
        private volatile int replicas = 1;

        public int Replicas => replicas;

        public string? Refusal { get; set; }

        public string Url => app!.Urls.First();

        public IReadOnlyList<string> Reasons
        {
            get
            {
                lock (reasons) return [.. reasons];
            }
        }

        public async Task StartAsync()
        {
            var builder = WebApplication.CreateBuilder();
            builder.Logging.ClearProviders();
            app = builder.Build();
            app.Urls.Add("http://127.0.0.1:0");
            app.MapGet("/v1/scale/{target}", (string target) => new SupervisorScale(target, replicas, 1, 4));
            app.MapPut("/v1/scale/{target}", Scale);
            await app.StartAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await app!.StopAsync();
            await app.DisposeAsync();
        }

        private IResult Scale(string target, SupervisorScaleRequest wanted)
        {
            if (Refusal is { } refusal) return Results.Problem(
                refusal, statusCode: 503, title: "A worker did not start");
            lock (reasons) reasons.Add(wanted.Reason);
            replicas = wanted.Replicas;
            return Results.Json(new SupervisorScale(target, replicas, 1, 4));
        }
    }
}
