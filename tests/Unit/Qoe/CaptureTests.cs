using EventStream.Contracts;
using EventStream.Qoe;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Qoe;

/// <summary>What the platform makes of real players' reports agrees with what the browser itself measured.</summary>
public sealed class CaptureTests
{
    private const double StartupToleranceMs = 300;

    [Theory]
    [InlineData("hls-plain")]
    // The tab was closed half a second before the second switch came on the screen; hls.js tells a buffer length that
    // is one segment old, so the platform takes it for seen.
    [InlineData("hls-throttled", 1)]
    [InlineData("hls-downswitch")]
    // A busy machine: three rungs were in the buffer before the first frame.
    [InlineData("hls-slowStart")]
    [InlineData("hls-slowNetwork")]
    [InlineData("hls-toEnd")]
    [InlineData("hls-playhead")]
    [InlineData("dash-plain")]
    [InlineData("dash-throttled")]
    [InlineData("dash-downswitch")]
    [InlineData("dash-toEnd")]
    public void Startup_stalls_and_switches_are_those_of_the_browser(string name, int switchesUnseen = 0)
    {
        var capture = Capture.Load(name);
        var quality = Finished(capture).Quality;
        Assert.InRange(
            quality.StartupMs!.Value,
            capture.Page.StartupMs!.Value - StartupToleranceMs,
            capture.Page.StartupMs.Value
        );
        Assert.Equal(capture.Page.StallCount, quality.StallCount);
        Assert.InRange(quality.StallMs, capture.Page.StallMs - 150, capture.Page.StallMs + 150);
        Assert.Equal(capture.Page.Switches + switchesUnseen, quality.SwitchCount);
        Assert.False(quality.Failed);
    }

    /// <summary>
    /// The mean of the page follows from the segments that it played: two at 240p, one at 480p, one at 720p, three at
    /// 1080p, the rest at 240p.
    /// </summary>
    [Fact]
    public void The_mean_bitrate_is_that_of_the_segments_played()
    {
        var capture = Capture.Load("hls-slowNetwork");

        var mean = Finished(capture).Quality.AverageBitrateKbps!.Value;

        Assert.InRange(mean, capture.Page.BitrateKbps!.Value * 0.9, capture.Page.BitrateKbps.Value * 1.1);
    }

    /// <summary>
    /// hls.js shows its first segments with a buffer of 0 ms in its reports and the next rendition already announced;
    /// only the bitrate of its playhead, which the product's page reports, says which one is on the screen.
    /// </summary>
    [Fact]
    public void The_mean_bitrate_of_hls_js_is_that_of_its_playhead()
    {
        var capture = Capture.Load("hls-playhead");

        var mean = Finished(capture).Quality.AverageBitrateKbps!.Value;

        Assert.InRange(mean, capture.Page.BitrateKbps!.Value * 0.98, capture.Page.BitrateKbps.Value * 1.02);
    }

    /// <summary>
    /// A player that tells the bitrate of its playhead (<c>pb</c>) is believed, weighted by time played.
    /// </summary>
    [Theory]
    [InlineData("dash-plain")]
    [InlineData("dash-downswitch")]
    [InlineData("dash-throttled")]
    [InlineData("dash-toEnd")]
    public void The_mean_bitrate_of_a_player_that_tells_its_playheads_is_that_weighted_by_time(string name)
    {
        var capture = Capture.Load(name);
        var mean = Finished(capture).Quality.AverageBitrateKbps!.Value;
        Assert.InRange(mean, PlayheadMean(capture) * 0.97, PlayheadMean(capture) * 1.03);
    }

    private static double PlayheadMean(Capture capture)
    {
        var (ms, weighted, kbps, state) = (0.0, 0.0, 0.0, "");
        DateTimeOffset? last = null;
        foreach (var beacon in capture.Beacons.OrderBy(beacon => beacon.Sequence))
        {
            var at = beacon.Time.AddMilliseconds(beacon.Event == "rr" ? beacon.TtlbMs ?? 0 : 0);
            at = at < last ? last.Value : at;
            if (state == "p" && kbps > 0)
            {
                ms += (at - last!.Value).TotalMilliseconds;
                weighted += (at - last.Value).TotalMilliseconds * kbps;
            }

            kbps = beacon.ObjectType is "a" ? kbps : beacon.PlayheadBitrateKbps ?? kbps;
            state = beacon.Event == "rr" ? state : beacon.State ?? state;
            last = at;
        }

        return weighted / ms;
    }

    [Theory]
    [InlineData("hls-exitBeforeStart", false, true)]
    [InlineData("dash-exitBeforeStart", false, true)]
    [InlineData("hls-fatalStart", true, false)]
    [InlineData("dash-fatalStart", true, false)]
    public void A_video_that_never_started_was_left_or_failed(string name, bool failed, bool left)
    {
        var quality = Finished(Capture.Load(name)).Quality;
        Assert.Null(quality.StartupMs);
        Assert.Equal(failed, quality.Failed);
        Assert.Equal(failed ? 1 : 0, quality.FailureCount);
        Assert.Equal(left, quality.ExitedBeforeStart);
    }

    private static SessionFinished Finished(Capture capture)
    {
        var run = new QoeRun(new QoeOptions());
        run.Hear(capture.Beacons);
        run.Finish(capture.Beacons.Max(beacon => beacon.ReceivedAt));
        return Assert.Single(run.Sessions().OfType<SessionFinished>());
    }
}
