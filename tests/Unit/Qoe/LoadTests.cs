using EventStream.Contracts;
using EventStream.Qoe;
using EventStream.Qoe.Load;
using EventStream.Streams;
using EventStream.Tests.Kit;
using Streamiz.Kafka.Net;
using Streamiz.Kafka.Net.Stream;

namespace EventStream.Unit.Tests.Qoe;

/// <summary>How many watch at an instant, step by step, idle ones included.</summary>
public sealed class LoadTests
{
    private static readonly QoeOptions Options = new() { LoadGraceSeconds = 10 };

    [Fact]
    public void Viewers_one_after_another_are_one_viewer_and_not_as_many_as_the_step_saw()
    {
        var run = new QoeRun(Options);
        for (var i = 0; i < 20; i++)
        {
            var v = new Viewer($"s{i}");
            run.Hear([v.Says(i, "ps", "s"), v.Says(i, "ps", "p"), v.Says(i + 1, "ps", "q")]);
        }

        run.Finish(QoeRun.T0.AddSeconds(20));
        Assert.Equal([(1.0, 1.0), (1.0, 1.0), (0.0, 0.0)], Viewers(run).Take(3));
    }

    [Fact]
    public void A_step_has_the_mean_over_its_time_and_the_most_at_one_instant()
    {
        var run = new QoeRun(Options);
        var (a, b, c) = (new Viewer("a"), new Viewer("b"), new Viewer("c"));
        run.Hear([a.Says(0, "ps", "s"), b.Says(0, "ps", "s"), c.Says(0, "ps", "s")]);
        run.Hear([a.Says(2, "ps", "p"), b.Says(4, "ps", "p"), a.Says(6, "ps", "q"), b.Says(9, "ps", "q")]);
        run.Finish(QoeRun.T0.AddSeconds(9));
        // c waits for a start that never comes, and does not watch.
        Assert.Equal((0.9, 2.0), Viewers(run)[0]);
    }

    [Fact]
    public void A_session_that_falls_silent_ended_at_its_last_report_and_not_at_the_time_out()
    {
        var run = new QoeRun(Options);
        var v = new Viewer("s1");
        run.Hear([v.Says(0, "ps", "s"), v.Says(0, "ps", "p"), v.Says(9, "t", "p"), v.Says(15, "t", "p")]);
        run.Finish(QoeRun.T0.AddSeconds(15));
        Assert.Equal([(1.0, 1.0), (0.5, 1.0), (0.0, 0.0), (0.0, 0.0)], Viewers(run).Take(4));
    }

    [Fact]
    public void Idle_is_told_as_zero_for_every_step_with_no_viewer_ever()
    {
        var run = new QoeRun(Options with { Edges = [new QoeEdge("edge-a", "eu")] });
        run.Finish(QoeRun.T0);
        var load = run.Load();
        foreach (var resource in new[] { "viewers", "edge:edge-a:requests", "edge:edge-a:bytes" })
        {
            var steps = load.Where(step => step.Resource == resource).ToList();
            Assert.InRange(steps.Count, 9, 13);
            Assert.All(steps, step => Assert.Equal((0.0, 10.0), (step.Value, step.StepSeconds)));
            Assert.All(
                steps.Zip(steps.Skip(1)),
                pair => Assert.Equal(10, (pair.Second.Time - pair.First.Time).TotalSeconds)
            );
        }

        Assert.All(load, step => Assert.Equal(step.Resource == "viewers" ? 0 : null, step.Peak));
    }

    [Fact]
    public void A_long_gap_is_filled_up_to_a_bound_and_who_watched_before_it_still_counts()
    {
        var run = new QoeRun(Options with { LoadZeroStepsMax = 5 });
        var v = new Viewer("s1");
        run.Hear([v.Says(0, "ps", "s"), v.Says(0, "ps", "p"), v.Says(10, "t", "p")]);
        run.Driver.AdvanceStreamTime(QoeRun.T0.AddHours(1));
        var viewers = run.Load().Where(step => step.Resource == "viewers").ToList();
        Assert.Equal((1.0, QoeRun.T0), (viewers[0].Value, viewers[0].Time));
        Assert.InRange(viewers.Count, 6, 8);
        Assert.Equal(QoeRun.T0.AddHours(1).AddSeconds(-20), viewers[^1].Time);
    }

    [Fact]
    public void A_restart_leaves_no_hole_and_tells_nothing_twice()
    {
        var run = new QoeRun(Options);
        var v = new Viewer("s1");
        run.Hear([v.Says(0, "ps", "s"), v.Says(0, "ps", "p")]);
        for (var second = 3; second < 60; second += 3)
        {
            run.Hear(v.Says(second, "t", "p"));
            run.Driver.Commit();
            run.Driver.Restart();
        }

        run.Finish(QoeRun.T0.AddSeconds(60));
        var viewers = run.Load().Where(step => step.Resource == "viewers").ToList();
        Assert.Equal(
            Enumerable.Range(0, viewers.Count).Select(i => viewers[0].Time.AddSeconds(10 * i)),
            viewers.Select(step => step.Time)
        );
        var watched = viewers.Where(step => step.Time >= QoeRun.T0).ToList();
        Assert.Equal(QoeRun.T0, watched[0].Time);
        Assert.Equal([1.0, 1.0, 1.0, 1.0, 1.0], watched.Take(5).Select(step => step.Value));
    }

    [Fact]
    public void A_step_waits_for_the_slowest_partition_and_its_peak_is_no_sum_of_peaks()
    {
        var driver = Sums();
        Pipe(driver, Part(0, 0, 0.5, first: 1, second2: 0));
        Pipe(driver, Part(10, 0, 0, first: 0, second2: 0));
        Assert.Empty(Load(driver));

        Pipe(driver, Part(0, 1, 0.5, first: 0, second2: 1));
        // A partition that is told again, by an instance that lost it, counts once.
        Pipe(driver, Part(0, 1, 0.5, first: 0, second2: 1));
        var step = Assert.Single(Load(driver));
        Assert.Equal((1.0, 1.0), (step.Value, step.Peak));
    }

    private static List<(double, double)> Viewers(QoeRun run) =>
        run.Load()
            .Where(step => step.Resource == "viewers")
            .Select(step => (Math.Round(step.Value, 6), step.Peak!.Value))
            .ToList();

    private static StreamDriver Sums() => new(SumsOnly, "load", "parts");

    private static Topology SumsOnly(StreamScope scope)
    {
        var parts = SerDes.Json(QoeJson.Default.LoadPart);
        var builder = new StreamBuilder()
            .AddWindowStore(scope, LoadProcessor.Sums, SerDes.Text, parts)
            .AddKeyValueStore(scope, LoadProcessor.Known, SerDes.Text, SerDes.Json(QoeJson.Default.KnownLoad))
            .AddKeyValueStore(
                scope,
                LoadProcessor.Progress,
                SerDes.Json(QoeJson.Default.Int32),
                SerDes.Json(QoeJson.Default.LoadProgress)
            )
            .AddClock(scope, "clock");
        builder
            .Batches("parts", new BatchSerDes<LoadPart>((data, _) => parts.Deserialize(data, default)))
            .Process(
                new StepSpec<LoadPart>(scope, ["parts"], "clock", () => new LoadProcessor(Options)),
                LoadProcessor.Sums,
                LoadProcessor.Known,
                LoadProcessor.Progress
            )
            .OfType<LoadMeasured>()
            .To(Topics.TrafficLoad);
        return builder.Build();
    }

    private static LoadPart Part(double second, int partition, double value, int first, int second2) =>
        new("viewers", QoeRun.T0.AddSeconds(second), value, "sessions", [first, second2], partition, Partitions: 2);

    private static void Pipe(StreamDriver driver, LoadPart part) =>
        driver.Pipe(
            "parts",
            part.Resource,
            SerDes.Json(QoeJson.Default.LoadPart).Serialize(part, default),
            part.Step.AddSeconds(20)
        );

    private static IReadOnlyList<LoadMeasured> Load(StreamDriver driver) =>
        driver.Read<LoadMeasured>(Topics.TrafficLoad);
}
