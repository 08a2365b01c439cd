using EventStream.Contracts;
using EventStream.Tests.Kit;
using static EventStream.Integration.Tests.Capacity.RunningRole;

namespace EventStream.Integration.Tests.Capacity;

/// <summary>
/// The running role trains its gradient-boosted member from the load on the topic, and has it again after a restart.
/// A day of 288 steps takes a quarter of an hour.
/// </summary>
public sealed class ModelTrainingTests : IAsyncLifetime
{
    private const int Day = 288;
    private const int Known = 2000;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(3);
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("eventstream-models-");
    private TestBroker? broker;
    private long first;

    public async Task InitializeAsync()
    {
        broker = await TestBroker.StartAsync();
        first = (TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / (long)Step.TotalSeconds) - Known;
    }

    public async Task DisposeAsync()
    {
        await broker!.DisposeAsync();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Two_thousand_steps_of_load_give_the_gradient_boosted_member_weight_and_a_restart_keeps_it()
    {
        await using (var role = await StartAsync())
        {
            await Task.WhenAll(Enumerable.Range(0, Known).Select(step => PublishAsync(role, step)));
            await EventuallyAsync(
                () => Task.FromResult<FileInfo[]?>(folder.GetFiles("*.json")),
                files => files.Length == 1
            );
            await PublishAsync(role, Known);
            await WeightAsync(role);
        }

        var trained = folder.GetFiles().ToDictionary(file => file.Name, file => file.LastWriteTimeUtc);
        Assert.Single(trained);
        await using var again = await StartAsync();
        await WeightAsync(again);
        Assert.Equal(trained, folder.GetFiles().ToDictionary(file => file.Name, file => file.LastWriteTimeUtc));
    }

    private static async Task WeightAsync(RunningRole role)
    {
        var forecast = await EventuallyAsync(
            () => role.GetAsync("/v1/forecasts/viewers", ContractsJson.Default.ForecastPublished),
            made => made.Weights.ContainsKey("gboost")
        );
        Assert.InRange(forecast.Weights["gboost"], 0.001, 1);
        Assert.Equal(1, forecast.Weights.Values.Sum(), 2);
    }

    private Task PublishAsync(RunningRole role, int step)
    {
        var time = DateTimeOffset.UnixEpoch + ((first + step) * Step);
        var load = new LoadMeasured("viewers", time, Step.TotalSeconds, Curve(step), "viewers");
        return role.Publisher.PublishAsync(Topics.TrafficLoad, load.Resource, load, time, CancellationToken.None);
    }

    /// <summary>
    /// Two levels with a threshold between them, which trees see and linear members do not, and some noise.
    /// </summary>
    private static double Curve(int step)
    {
        var wave = Math.Sin(2 * Math.PI * (step % Day) / Day);
        var noise = ((step * 7919) % 101) / 101.0;
        return (wave > 0.3 ? 300 : 60) + (40 * wave) + (20 * noise);
    }

    private Task<RunningRole> StartAsync() =>
        RunningRole.StartAsync(
            new Dictionary<string, string?>(TestKeys.Pairs)
            {
                ["Kafka:Bootstrap"] = broker!.Bootstrap,
                ["Listen:capacity"] = "http://127.0.0.1:0",
                ["Capacity:StepSeconds"] = "3",
                ["Capacity:SeasonSteps"] = $"{Day}",
                ["Capacity:HorizonSteps"] = $"{Day}",
                ["Capacity:ModelFolder"] = folder.FullName,
            }
        );
}
