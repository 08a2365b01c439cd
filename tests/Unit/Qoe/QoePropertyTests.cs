using EventStream.Contracts;
using EventStream.Qoe;
using EventStream.Tests.Kit;
using FsCheck;
using FsCheck.Fluent;

namespace EventStream.Unit.Tests.Qoe;

/// <summary>
/// What holds for every session: order does not matter within bounds, and windows add up to sessions.
/// </summary>
public sealed class QoePropertyTests
{
    private static readonly string[] States = ["p", "r", "k", "a"];

    [Fact]
    public void The_order_of_arrival_within_the_reorder_time_does_not_matter() =>
        Prop.ForAll(
                ArbMap.Default.ArbFor<int>(),
                seed =>
                {
                    var session = Session(new Random(seed), spacing: 0.2);
                    var random = new Random(seed + 1);
                    // Each report is delayed by less than half of the reorder time.
                    var shuffled = session.OrderBy(beacon => beacon.Time.AddSeconds(random.NextDouble())).ToList();
                    Assert.Equal(QoeRun.Json(Finished(session)), QoeRun.Json(Finished(shuffled)));
                }
            )
            .Check(Quick(40));

    [Fact]
    public void Windows_add_up_to_the_session() =>
        Prop.ForAll(
                ArbMap.Default.ArbFor<int>(),
                seed =>
                {
                    var session = Session(new Random(seed), spacing: 3);
                    var run = new QoeRun(new QoeOptions());
                    run.Hear(session);
                    run.Finish(session[^1].Time);
                    var quality = run.Sessions().OfType<SessionFinished>().Single().Quality;
                    var windows = run.Windows();
                    Assert.Equal(0, run.Driver.Late);
                    Assert.Equal(quality.PlayedMs, windows.Sum(window => window.PlayedMs), tolerance: 0.01);
                    Assert.Equal(quality.StallMs, windows.Sum(window => window.StallMs), tolerance: 0.01);
                    Assert.Equal(quality.StallCount, windows.Sum(window => window.StallCount));
                    Assert.Equal(quality.SwitchCount, windows.Sum(window => window.SwitchCount));
                    Assert.Equal(quality.StartupMs is null ? 0 : 1, windows.Sum(window => window.Starts));
                    Assert.All(windows, window => Assert.InRange(window.PlayedMs + window.StallMs, 0, 10_000.01));
                }
            )
            .Check(Quick(40));

    private static Config Quick(int tests) => Config.QuickThrowOnFailure.WithMaxTest(tests);

    private static List<BeaconReceived> Session(Random random, double spacing)
    {
        var viewer = new Viewer("s");
        var beacons = new List<BeaconReceived> { viewer.Says(0, "ps", "s") };
        var second = 0.0;
        for (var i = 0; i < 30; i++)
        {
            second += Math.Round(0.05 + (random.NextDouble() * spacing), 3);
            var kbps = random.Next(1, 5) * 1000.0;
            beacons.Add(
                viewer.Says(
                    second,
                    "ps",
                    States[random.Next(States.Length)],
                    b => b with { PlayheadBitrateKbps = kbps }
                )
            );
        }

        beacons.Add(viewer.Says(second + 1, "ps", "e"));
        return beacons;
    }

    private static SessionFinished Finished(IReadOnlyList<BeaconReceived> arrivals)
    {
        var run = new QoeRun(new QoeOptions());
        run.Hear(arrivals);
        run.Finish(arrivals.Max(beacon => beacon.Time));
        return run.Sessions().OfType<SessionFinished>().Last();
    }
}
