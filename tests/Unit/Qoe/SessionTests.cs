using EventStream.Contracts;
using EventStream.Qoe;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Qoe;

/// <summary>Sessions computed by hand.</summary>
public sealed class SessionTests
{
    private static readonly QoeOptions Options = new();

    [Fact]
    public void A_session_with_one_stall_and_one_switch_adds_up()
    {
        var v = new Viewer("s1");
        var quality = Finished([
            v.Says(0, "ps", "s"),
            v.Says(1.5, "ps", "p", b => b with { PlayheadBitrateKbps = 4000 }),
            v.Says(11.5, "ps", "r"),
            v.Says(13.5, "ps", "p", b => b with { PlayheadBitrateKbps = 1000 }),
            v.Says(23.5, "ps", "a"),
            v.Says(33.5, "ps", "p"),
            v.Says(38.5, "ps", "e"),
        ]).Quality;
        Assert.Equal(1500, quality.StartupMs);
        Assert.Equal(1, quality.StallCount);
        Assert.Equal(2000, quality.StallMs);
        Assert.Equal(25_000, quality.PlayedMs);
        // Watching is starting, playing and stalling; the viewer's own pause is not.
        Assert.Equal(28_500, quality.WatchedMs);
        Assert.Equal(((10_000 * 4000.0) + (15_000 * 1000.0)) / 25_000, quality.AverageBitrateKbps!.Value, 6);
        Assert.Equal(1, quality.SwitchCount);
        Assert.False(quality.Failed || quality.ExitedBeforeStart);
    }

    [Fact]
    public void Waiting_after_a_seek_and_before_the_start_is_no_stall()
    {
        var v = new Viewer("s1");
        var quality = Finished([
            v.Says(0, "ps", "s"),
            v.Says(0.5, "ps", "r"),
            v.Says(1, "ps", "p"),
            v.Says(5, "ps", "k"),
            v.Says(5.1, "ps", "r"),
            v.Says(7, "ps", "p"),
            v.Says(9, "ps", "q"),
        ]).Quality;
        Assert.Equal(0, quality.StallCount);
        Assert.Equal(0, quality.StallMs);
        Assert.Equal(1000, quality.StartupMs);
    }

    [Theory]
    [InlineData("e", "ended")]
    [InlineData("q", "quit")]
    [InlineData("f", "fatal")]
    [InlineData("p", "timeout")]
    public void The_last_state_gives_the_end_reason(string state, string reason)
    {
        var v = new Viewer("s1");
        Assert.Equal(reason, Finished([v.Says(0, "ps", "s"), v.Says(1, "ps", "p"), v.Says(2, "ps", state)]).EndReason);
    }

    [Fact]
    public void A_fatal_error_that_the_player_recovers_from_is_a_failure_but_not_the_end()
    {
        var v = new Viewer("s1");
        var finished = Finished([
            v.Says(0, "ps", "s"),
            v.Says(1, "ps", "p"),
            v.Says(2, "ps", "f"),
            v.Says(2.3, "ps", "p"),
            v.Says(9, "ps", "e"),
        ]);
        Assert.Equal(("ended", 1, false), (finished.EndReason, finished.Quality.FailureCount, finished.Quality.Failed));
    }

    [Fact]
    public void A_start_delay_counts_only_when_playback_has_begun()
    {
        var v = new Viewer("s1");
        Assert.Equal(
            1000,
            Finished([v.Says(0, "ps", "s", b => b with { StartDelayMs = 2 }), v.Says(1, "ps", "p")]).Quality.StartupMs
        );
        var w = new Viewer("s2");
        Assert.Equal(
            950,
            Finished([w.Says(0, "ps", "s"), w.Says(1, "ps", "p", b => b with { StartDelayMs = 950 })]).Quality.StartupMs
        );
    }

    [Fact]
    public void A_playhead_bitrate_counts_from_its_report_on_and_not_after_the_buffer()
    {
        var v = new Viewer("s1");
        BeaconReceived Loads(double second, double kbps) =>
            v.Says(
                second,
                "rr",
                "p",
                b => b with { ObjectType = "v", BitrateKbps = kbps, PlayheadBitrateKbps = kbps, BufferMs = 12_000 }
            );
        var quality = Finished([
            v.Says(0, "ps", "s"),
            Loads(0.5, 1000),
            v.Says(1, "ps", "p"),
            Loads(3, 7158),
            v.Says(8, "t", "p", b => b with { BitrateKbps = 7158, PlayheadBitrateKbps = 7158 }),
            v.Says(11, "ps", "e"),
        ]).Quality;
        Assert.Equal(((2 * 1000) + (8 * 7158)) / 10.0, quality.AverageBitrateKbps!.Value, 6);
    }

    [Fact]
    public void What_hls_js_loads_as_playback_starts_is_no_switch()
    {
        var v = new Viewer("s1");
        BeaconReceived Loads(double second, string state, double kbps, double? bufferMs, double? shown = null) =>
            v.Says(
                second,
                "rr",
                state,
                b => b with { BitrateKbps = kbps, BufferMs = bufferMs, PlayheadBitrateKbps = shown }
            );
        var quality = Finished([
            v.Says(0, "ps", "s"),
            Loads(0.15, "s", 694, null),
            Loads(0.47, "s", 4091, 0),
            v.Says(0.58, "ps", "p", b => b with { BitrateKbps = 4091, BufferMs = 0 }),
            Loads(0.59, "p", 4091, 0, shown: 694),
            Loads(0.70, "p", 7278, 5900, shown: 694),
            Loads(2.69, "p", 7278, 9800, shown: 4091),
            Loads(4.71, "p", 7278, 9900, shown: 7278),
            v.Says(9.66, "ps", "q"),
        ]).Quality;
        Assert.Equal(2, quality.SwitchCount);
    }

    [Fact]
    public void Reported_stalls_count_for_a_player_that_reports_no_states_of_stalling()
    {
        var v = new Viewer("s1");
        var quality = Finished([
            v.Says(0, "ps", "s"),
            v.Says(1, "ps", "p"),
            v.Says(8, "t", "p", b => b with { StallMs = 700 }),
            v.Says(9, "ps", "e"),
        ]).Quality;
        Assert.Equal((1, 700.0), (quality.StallCount, quality.StallMs));
    }

    [Fact]
    public void A_repeated_report_counts_once()
    {
        var v = new Viewer("s1");
        var stall = v.Says(0, "ps", "s");
        var finished = Finished([stall, stall, v.Says(1, "ps", "p"), v.Says(3, "ps", "e"), stall]);
        Assert.Equal(3, finished.Beacons);
    }

    [Fact]
    public void A_live_session_is_reported_at_most_every_two_seconds()
    {
        var v = new Viewer("s1");
        var run = new QoeRun(Options);
        run.Hear(v.Says(0, "ps", "s"));
        for (var i = 1; i <= 40; i++)
            run.Hear(v.Says(i * 0.25, "t", "p"));
        var updates = run.Sessions().OfType<SessionUpdated>().ToList();
        Assert.InRange(updates.Count, 4, 6);
        Assert.All(
            updates.Zip(updates.Skip(1)),
            pair => Assert.True(pair.Second.LastHeardAt - pair.First.LastHeardAt >= TimeSpan.FromSeconds(1.5))
        );
    }

    [Fact]
    public void A_lost_report_is_waited_for_and_then_given_up()
    {
        var v = new Viewer("s1");
        var run = new QoeRun(Options);
        run.Hear(v.Says(0, "ps", "s"));
        _ = v.Says(0.5, "t", "s");
        run.Hear(v.Says(1, "ps", "p"));
        Assert.Equal(1, run.Sessions().OfType<SessionUpdated>().Last().Beacons);
        run.Hear(v.Says(5, "ps", "e"));
        run.Finish(QoeRun.T0.AddSeconds(5));
        Assert.Equal(4000, run.Sessions().OfType<SessionFinished>().Single().Quality.PlayedMs);
    }

    private static SessionFinished Finished(IReadOnlyList<BeaconReceived> beacons)
    {
        var run = new QoeRun(Options);
        run.Hear(beacons);
        run.Finish(beacons[^1].Time);
        return run.Sessions().OfType<SessionFinished>().Single();
    }
}
