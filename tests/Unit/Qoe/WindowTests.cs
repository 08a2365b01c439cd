using EventStream.Contracts;
using EventStream.Qoe;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Qoe;

/// <summary>Windows, alerts and load of small made-up audiences.</summary>
public sealed class WindowTests
{
    [Fact]
    public void A_window_closes_when_only_other_keys_go_on()
    {
        var run = new QoeRun(new QoeOptions { WindowGraceSeconds = 2 });
        var quiet = new Viewer("quiet");
        run.Hear([quiet.Says(0, "ps", "s"), quiet.Says(1, "ps", "p"), quiet.Says(8, "ps", "e")]);
        Assert.Empty(run.Windows());
        var other = new Viewer("other");
        run.Hear(other.Says(13, "ps", "s", b => b with { Region = "us" }));
        var window = Assert.Single(run.Windows());
        Assert.Equal((1, 1, 7000.0), (window.Sessions, window.Starts, window.PlayedMs));
        Assert.Equal(QoeRun.T0, window.WindowStart);
    }

    [Fact]
    public void Requests_are_counted_under_the_dimensions_of_their_session()
    {
        var run = new QoeRun(new QoeOptions());
        run.Hear(new Viewer("s1").Says(0, "ps", "s"));
        run.Serve(Request(1, "s1", 200, "HIT"));
        run.Serve(Request(2, "s1", 200, "MISS"));
        run.Serve(Request(3, "s1", 504, "MISS"));
        run.Finish(QoeRun.T0.AddSeconds(5));
        var window = run.Windows().First(w => w.Requests > 0);
        Assert.Equal(
            ("tv", 3L, 3000L, 1L, 1L),
            (window.Subject.Device, window.Requests, window.Bytes, window.CacheHits, window.RequestErrors)
        );
    }

    [Fact]
    public void Many_stalls_raise_an_alert_with_their_share()
    {
        var run = new QoeRun(new QoeOptions());
        var v = new Viewer("s1");
        run.Hear([v.Says(0, "ps", "s"), v.Says(0.5, "ps", "p"), v.Says(4.5, "ps", "r"), v.Says(8.5, "ps", "e")]);
        run.Finish(QoeRun.T0.AddSeconds(9));
        var alert = Assert.Single(run.Alerts());
        Assert.Equal(("stall-ratio", 0.5), (alert.Rule, alert.Value));
    }

    [Fact]
    public void Load_has_a_figure_for_every_step_and_zeros_in_silence()
    {
        var run = new QoeRun(
            new QoeOptions
            {
                LoadStepSeconds = 3,
                LoadGraceSeconds = 3,
                SessionTimeoutSeconds = 10,
            }
        );
        var (a, b) = (new Viewer("a"), new Viewer("b"));
        run.Hear([a.Says(0, "ps", "s"), b.Says(1, "ps", "s"), a.Says(2, "ps", "p"), b.Says(4, "ps", "q")]);
        run.Serve(Request(4.5, "a", 200, "HIT"));
        run.Hear(a.Says(5, "ps", "e"));
        run.Finish(QoeRun.T0.AddSeconds(5));
        var load = run.Load();
        var viewers = load.Where(step => step.Resource == "viewers").Select(step => step.Value).Take(4);
        // b never saw a picture; a watched from second 2 to 5.
        Assert.Equal([0.333, 0.667, 0.0, 0.0], viewers.Select(value => Math.Round(value, 3)));
        var requests = load.Where(step => step.Resource == "edge:edge-a:requests").ToList();
        Assert.Equal([1.0, 0.0], requests.Select(step => step.Value).Take(2));
        Assert.All(
            requests.Zip(requests.Skip(1)),
            pair => Assert.Equal(3, (pair.Second.Time - pair.First.Time).TotalSeconds)
        );
    }

    private static CdnRequestServed Request(double second, string session, int status, string cache) =>
        new()
        {
            Time = QoeRun.T0.AddSeconds(second),
            Edge = "edge-a",
            Signed = true,
            Region = "eu",
            SessionId = session,
            VideoId = "video-1",
            Method = "GET",
            Path = "/v/1.m4s",
            Status = status,
            Bytes = 1000,
            CacheStatus = cache,
        };
}
