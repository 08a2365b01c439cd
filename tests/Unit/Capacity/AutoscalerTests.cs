using EventStream.Capacity;
using EventStream.Capacity.Scaling;
using EventStream.Contracts;

namespace EventStream.Unit.Tests.Capacity;

public class AutoscalerTests
{
    private static readonly ScalingTarget Target = new()
    {
        Name = "encode-workers",
        Resource = "viewers",
        UnitsPerReplica = 100,
        Utilisation = 1,
        MaxReplicas = 4,
        ScaleInHoldSteps = 3,
    };

    private readonly FakeActuator actuator = new();

    [Fact]
    public async Task A_change_is_applied_and_published()
    {
        var decision = await Scaler().DecideAsync(At(1, load: 250), CancellationToken.None);
        Assert.NotNull(decision);
        Assert.True(decision.Applied);
        Assert.Equal((1, 3), (decision.CurrentReplicas, decision.DesiredReplicas));
        Assert.Equal(3, actuator.Replicas);
        Assert.Equal(At(1, 0).Time, decision.Time);
    }

    [Fact]
    public async Task No_change_is_published_at_a_bounded_rate()
    {
        var scaler = Scaler();
        var published = new List<ScaleDecided?>();
        for (var step = 0; step < 25; step++)
        {
            published.Add(await scaler.DecideAsync(At(step, load: 50), CancellationToken.None));
        }

        Assert.Equal([0, 10, 20], Enumerable.Range(0, 25).Where(step => published[step] is not null));
        Assert.Contains("1 stay", published[10]!.Reason);
    }

    [Fact]
    public async Task A_refusal_is_published_once_until_it_changes_and_tried_again_each_step()
    {
        var scaler = Scaler();
        actuator.Refusal = "no room";
        var first = await scaler.DecideAsync(At(1, load: 250), CancellationToken.None);
        var second = await scaler.DecideAsync(At(2, load: 250), CancellationToken.None);
        Assert.False(first!.Applied);
        Assert.Contains("no room", first.Error);
        Assert.Null(second);
        Assert.Equal(2, actuator.Attempts);
        actuator.Refusal = null;
        var third = await scaler.DecideAsync(At(3, load: 250), CancellationToken.None);
        Assert.True(third!.Applied);
        Assert.Null(third.Error);
        Assert.Equal(3, actuator.Replicas);
    }

    [Fact]
    public async Task An_actuator_that_cannot_be_asked_is_told_nothing()
    {
        actuator.Blind = true;
        var decision = await Scaler().DecideAsync(At(1, load: 250), CancellationToken.None);
        Assert.False(decision!.Applied);
        Assert.NotNull(decision.Error);
        Assert.Equal(0, actuator.Attempts);
    }

    [Fact]
    public async Task Forecast_only_decides_and_changes_nothing()
    {
        var scaler = new Autoscaler(Target, actuator, new CapacityOptions { ForecastOnly = true });
        var decision = await scaler.DecideAsync(At(1, load: 250), CancellationToken.None);
        Assert.False(decision!.Applied);
        Assert.Null(decision.Error);
        Assert.EndsWith("Forecast only: nothing is changed.", decision.Reason);
        Assert.Equal(0, actuator.Attempts);
        Assert.Null(await scaler.DecideAsync(At(2, load: 250), CancellationToken.None));
    }

    [Fact]
    public async Task Without_an_actuator_the_decisions_follow_one_another()
    {
        var scaler = new Autoscaler(Target with { Actuator = "none" }, new NoActuator(), new CapacityOptions());
        var first = await scaler.DecideAsync(At(1, load: 250), CancellationToken.None);
        var second = await scaler.DecideAsync(At(2, load: 350), CancellationToken.None);
        Assert.Equal((1, 3), (first!.CurrentReplicas, first.DesiredReplicas));
        Assert.Equal((3, 4), (second!.CurrentReplicas, second.DesiredReplicas));
    }

    [Fact]
    public async Task Load_that_falls_scales_in_after_the_hold_and_not_before()
    {
        var scaler = Scaler();
        actuator.Replicas = 4;
        var replicas = new List<int>();
        foreach (var load in new[] { 350.0, 150, 150, 150, 150 })
        {
            await scaler.DecideAsync(At(replicas.Count, load), CancellationToken.None);
            replicas.Add(actuator.Replicas);
        }

        Assert.Equal([4, 4, 4, 2, 2], replicas);
    }

    [Fact]
    public async Task After_a_gap_in_the_load_the_hold_begins_again()
    {
        var scaler = Scaler();
        actuator.Replicas = 4;
        await scaler.DecideAsync(At(0, load: 50), CancellationToken.None);
        await scaler.DecideAsync(At(1, load: 50), CancellationToken.None);
        await scaler.DecideAsync(At(30, load: 50), CancellationToken.None);
        await scaler.DecideAsync(At(31, load: 50), CancellationToken.None);
        Assert.Equal(4, actuator.Replicas);
        await scaler.DecideAsync(At(32, load: 50), CancellationToken.None);
        Assert.Equal(1, actuator.Replicas);
    }

    [Fact]
    public async Task What_the_actuator_refused_is_its_trouble_until_it_does_what_it_is_asked()
    {
        var scaler = Scaler();
        Assert.Null(scaler.Trouble);
        actuator.Refusal = "answered 401";
        for (var step = 1; step < 3; step++)
            await scaler.DecideAsync(At(step, load: 250), CancellationToken.None);
        Assert.Equal("'encode-workers' is not scaled: fake: answered 401", scaler.Trouble);
        actuator.Refusal = null;
        await scaler.DecideAsync(At(3, load: 250), CancellationToken.None);
        Assert.Null(scaler.Trouble);
        actuator.Blind = true;
        await scaler.DecideAsync(At(4, load: 250), CancellationToken.None);
        Assert.Contains("cannot be reached", scaler.Trouble);
    }

    private static LoadNow At(long step, double load) =>
        new(step, DateTimeOffset.UnixEpoch.AddSeconds(3 * step), load, load, "viewers");

    private Autoscaler Scaler() => new(Target, actuator, new CapacityOptions());

    /// <summary>An actuator whose other side is this test.</summary>
    private sealed class FakeActuator : IActuator
    {
        public string Name => "fake";

        public int Replicas { get; set; } = 1;

        public int Attempts { get; private set; }

        public string? Refusal { get; set; }

        public bool Blind { get; set; }

        public Task<int?> CurrentAsync(string target, CancellationToken cancellation) =>
            Blind ? throw new ActuatorException(Name, "cannot be reached") : Task.FromResult<int?>(Replicas);

        public Task<int> ScaleAsync(string target, int replicas, string reason, CancellationToken cancellation)
        {
            Attempts++;
            if (Refusal is not null)
                throw new ActuatorException(Name, Refusal);
            return Task.FromResult(Replicas = replicas);
        }
    }
}
