using System.Net;
using EventStream.Contracts;
using EventStream.Tests.Kit;
using static EventStream.Integration.Tests.Capacity.RunningRole;

namespace EventStream.Integration.Tests.Capacity;

/// <summary>
/// The role on a real broker, with a supervisor's routes and its credential over HTTP; time is compressed: a day is 24
/// steps.
/// </summary>
public sealed class CapacityRoleTests : IAsyncLifetime
{
    private const int Day = 24;
    private const int Now = 4 * Day;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TestSupervisor supervisor = new();
    private TestBroker? broker;
    private long first;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        await supervisor.StartAsync();
        // Four days before now: what is published after them is of the present.
        first = (TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / (long)Step.TotalSeconds) - Now;
    }

    public async Task DisposeAsync()
    {
        await supervisor.DisposeAsync();
        await broker!.DisposeAsync();
    }

    [Fact]
    public async Task Load_becomes_forecasts_decisions_and_replicas_and_a_restart_rebuilds_it_from_the_log()
    {
        const int Known = Now;
        await using (var role = await StartAsync())
        {
            for (var step = 0; step < Known; step++)
                await PublishAsync(role, step);
            var forecast = await EventuallyAsync(
                () => role.GetAsync("/v1/forecasts/viewers", ContractsJson.Default.ForecastPublished),
                made => made.HistorySteps == Known
            );
            CheckForecast(forecast);

            // The morning rise: by the peak more than two replicas' worth of viewers is there.
            for (var step = Known; step < Known + 8; step++)
                await PublishAsync(role, step);
            await UntilAsync(
                () => supervisor.Replicas == 4,
                () => $"the supervisor has {supervisor.Replicas} replicas"
            );
            var decision = await EventuallyAsync(
                async () => await role.DecisionsAsync(),
                all => all.Any(d => d is { Applied: true, DesiredReplicas: 4 })
            );
            Assert.All(decision, d => Assert.Equal(0, (d.Time.ToUnixTimeSeconds() / 3.0) % 1));
            Assert.Contains("viewers now", decision[0].Reason);
            Assert.Contains(supervisor.Reasons, reason => reason.Contains("out from", StringComparison.Ordinal));
        }

        await using var again = await StartAsync();
        var resources = await again.GetTextAsync("/v1/resources");
        Assert.Contains($"\"steps\":{Known + 8}", resources);
        var kept = await EventuallyAsync(async () => await again.DecisionsAsync(), all => all.Count > 0);
        var newest = kept.Max(d => d.Time);
        await EventuallyAsync(
            () => again.GetAsync("/v1/forecasts/viewers", ContractsJson.Default.ForecastPublished),
            made => made.HistorySteps == Known + 8
        );
        Assert.Equal(newest, (await again.DecisionsAsync()).Max(d => d.Time));
    }

    [Fact]
    public async Task A_supervisor_that_refuses_is_named_in_the_decision_and_in_readiness_and_asked_again()
    {
        await using var role = await StartAsync();
        supervisor.Refusal = "no memory left for another worker";
        for (var step = 0; step < 3; step++)
            await PublishAsync(role, Now + step, 300);
        var refused = await EventuallyAsync(
            async () => await role.DecisionsAsync(),
            all => all.Any(d => d.Error is not null)
        );
        var decision = refused.First(d => d.Error is not null);
        Assert.False(decision.Applied);
        Assert.Contains("no memory left", decision.Error);
        Assert.Equal(1, supervisor.Replicas);
        var (status, said) = await role.AskAsync("/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("'encode-workers' is not scaled: supervisor: PUT", said);
        Assert.Contains("no memory left", said);
        supervisor.Refusal = null;
        for (var step = 3; step < 6; step++)
            await PublishAsync(role, Now + step, 300);
        await UntilAsync(() => supervisor.Replicas == 4, () => $"the supervisor has {supervisor.Replicas} replicas");
        await UntilReadyAsync(role);
    }

    [Fact]
    public async Task A_supervisor_that_does_not_know_the_credential_makes_the_role_not_ready()
    {
        await using var role = await StartAsync(("Access:ServiceKey", "another-key-of-the-service"));
        for (var step = 0; step < 3; step++)
            await PublishAsync(role, Now + step, 300);
        var said = await EventuallyAsync(
            async () => (await role.AskAsync("/health/ready")).Body,
            body => body.Contains("is not scaled", StringComparison.Ordinal)
        );
        Assert.Contains("answered 401", said);
    }

    [Fact]
    public async Task Load_that_stops_coming_is_no_zero_and_makes_the_role_not_ready()
    {
        await using var role = await StartAsync(("Capacity:NoLoadSeconds", "12"));
        var now = StepNow();
        for (var step = now - 3; step < now; step++)
            await PublishAsync(role, step, 300);
        await UntilAsync(() => supervisor.Replicas == 4, () => $"the supervisor has {supervisor.Replicas} replicas");
        var end = DateTimeOffset.UnixEpoch + ((first + now) * Step);
        var said = await EventuallyAsync(
            async () => (await role.AskAsync("/health/ready")).Body,
            body => body.Contains("no load", StringComparison.Ordinal)
        );
        Assert.Contains($"no load of viewers since {end:HH:mm:ss} UTC", said);
        Assert.Equal(4, supervisor.Replicas);
        // What comes too late to be true any more moves nothing; fresh load does, and the role is ready again.
        await PublishAsync(role, now, 0);
        await PublishAsync(role, StepNow() - 1, 300);
        await UntilReadyAsync(role);
        Assert.Equal(4, supervisor.Replicas);
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

    private int StepNow() =>
        (int)((TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / (long)Step.TotalSeconds) - first);

    /// <summary>Between 20 and 320 viewers.</summary>
    private static double Curve(long step) => 170 + (150 * Math.Sin(2 * Math.PI * (step % Day) / Day));

    private Task PublishAsync(RunningRole role, int step, double? value = null)
    {
        var time = DateTimeOffset.UnixEpoch + ((first + step) * Step);
        var load = new LoadMeasured("viewers", time, Step.TotalSeconds, value ?? Curve(step), "viewers");
        return role.Publisher.PublishAsync(Topics.TrafficLoad, load.Resource, load, time, CancellationToken.None);
    }

    private Task<RunningRole> StartAsync(params (string Key, string Value)[] more)
    {
        var settings = new Dictionary<string, string?>(TestKeys.Pairs)
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
        };
        foreach (var (key, value) in more)
            settings[key] = value;
        return RunningRole.StartAsync(settings);
    }

    private static async Task UntilAsync(Func<bool> reached, Func<string> state)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!reached())
        {
            if (patience.IsCancellationRequested)
                Assert.Fail($"Not reached in {Patience.TotalSeconds:0} s: {state()}.");
            await Task.Delay(20);
        }
    }
}
