using EventStream.Contracts;
using EventStream.Qoe;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Qoe;

/// <summary>Reports that carry no proof of their session count for nothing.</summary>
public sealed class ProofTests
{
    [Fact]
    public void Reports_without_proof_make_no_session_window_alert_or_load()
    {
        var run = new QoeRun(new QoeOptions());
        for (var i = 0; i < 50; i++)
        {
            var v = new Viewer($"s{i}");
            run.Hear(
                new[] { v.Says(i, "ps", "s"), v.Says(i, "ps", "p"), v.Says(i, "ps", "f"), v.Says(i, "e", "f") }.Select(
                    beacon => beacon with { Proven = false }
                )
            );
        }

        run.Finish(QoeRun.T0.AddSeconds(60));
        Assert.Empty(run.Sessions());
        Assert.Empty(run.Windows());
        Assert.Empty(run.Alerts());
        Assert.All(run.Load(), step => Assert.Equal(0, step.Value));
    }

    [Fact]
    public void Ten_thousand_made_up_sessions_leave_no_state_behind()
    {
        var run = new QoeRun(new QoeOptions());
        var strangers = Enumerable.Range(0, 10_000).Select(i => new Viewer($"s{i}").Says(1, "ps", "p"));
        run.Hear(strangers.Select(beacon => beacon with { Proven = false }));
        run.Driver.Commit();
        // The stream time of the task is all that there is to keep.
        Assert.InRange(run.Driver.ChangelogRecords, 0, 2);
    }

    [Fact]
    public void Reports_without_proof_change_nothing_of_the_session_that_they_name()
    {
        var honest = new Viewer("s1");
        List<BeaconReceived> beacons =
        [
            honest.Says(0, "ps", "s"),
            honest.Says(1, "ps", "p"),
            honest.Says(5, "t", "p"),
            honest.Says(10, "ps", "e"),
        ];
        var stranger = new Viewer("s1").Says(4, "ps", "f") with { Proven = false, Sequence = 2 };

        Assert.Equal(Finished(beacons).Quality, Finished([.. beacons.Take(2), stranger, .. beacons.Skip(2)]).Quality);
    }

    [Fact]
    public void A_stranger_neither_hurries_time_nor_holds_it_up()
    {
        var run = new QoeRun(new QoeOptions());
        var v = new Viewer("s1");
        run.Hear([v.Says(0, "ps", "s"), v.Says(1, "ps", "p"), v.Says(9, "ps", "e")]);
        var ahead = new Viewer("x").Says(27, "ps", "p") with { Proven = false, ReceivedAt = QoeRun.T0.AddSeconds(23) };
        run.Hear(ahead);
        Assert.Empty(run.Load());
        run.Hear(ahead with { ReceivedAt = QoeRun.T0.AddSeconds(30) });
        Assert.Equal(0.8, Assert.Single(run.Load()).Value, 6);
    }

    private static SessionFinished Finished(IReadOnlyList<BeaconReceived> beacons)
    {
        var run = new QoeRun(new QoeOptions());
        run.Hear(beacons);
        run.Finish(beacons[^1].Time);
        return run.Sessions().OfType<SessionFinished>().Single();
    }
}
