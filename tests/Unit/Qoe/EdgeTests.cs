using EventStream.Contracts;
using EventStream.Qoe;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Qoe;

/// <summary>Time, requests and startup belong to the edge where they happened.</summary>
public sealed class EdgeTests
{
    private static readonly QoeOptions Options = new()
    {
        Edges = [new QoeEdge("edge-a", "eu"), new QoeEdge("edge-b", "us")],
    };

    [Fact]
    public void The_row_names_the_edge_that_served_most_and_its_region_and_has_the_part_of_each()
    {
        var finished = Finished(Moved(region: ""));

        Assert.Equal(("edge-a", "eu"), (finished.Subject.Edge, finished.Subject.Region));
        Assert.Equal(
            [
                new SessionEdge("edge-a", "eu", 15_000, 1, 1000, Started: true, 39, 39_000, RequestErrors: 1),
                new SessionEdge("edge-b", "us", 4000, 0, 0, Started: false, 4, 4000, RequestErrors: 0),
            ],
            finished.Edges!
        );
        Assert.Equal(19_000, finished.Quality.PlayedMs);
    }

    [Fact]
    public void The_region_is_the_viewers_where_the_player_tells_it() =>
        Assert.Equal("asia", Finished(Moved(region: "asia")).Subject.Region);

    [Fact]
    public void Windows_have_the_time_of_the_edge_in_use()
    {
        var windows = Moved(region: "").Windows();
        double Played(string edge) => windows.Where(w => w.Subject.Edge == edge).Sum(w => w.PlayedMs);
        Assert.Equal((15_000.0, 4000.0), (Played("edge-a"), Played("edge-b")));
        Assert.Equal("edge-a", Assert.Single(windows, window => window.Starts > 0).Subject.Edge);
        Assert.Equal("us", windows.First(window => window.Subject.Edge == "edge-b").Subject.Region);
        Assert.Equal(39, windows.Where(window => window.Subject.Edge == "edge-a").Sum(window => window.Requests));
    }

    [Fact]
    public void The_log_tells_the_edge_of_a_player_that_does_not()
    {
        var run = new QoeRun(Options);
        var v = new Viewer("s1");
        BeaconReceived Says(double second, string state) => v.Says(second, "ps", state, b => b with { Edge = "" });
        run.Serve(Line(0.5, "edge-b"));
        run.Hear([Says(0.6, "s"), Says(1, "p"), Says(5, "e")]);
        run.Finish(QoeRun.T0.AddSeconds(5));
        Assert.Equal("edge-b", Finished(run).Subject.Edge);
        Assert.All(run.Windows(), window => Assert.Equal("edge-b", window.Subject.Edge));
    }

    [Fact]
    public void A_viewer_who_goes_to_and_fro_is_one_session_of_each_edge()
    {
        var run = new QoeRun(Options);
        var v = new Viewer("s1");
        run.Hear([v.Says(0, "ps", "s"), v.Says(1, "ps", "p")]);
        for (var i = 0; i < 6; i++)
        {
            var edge = i % 2 == 0 ? "edge-b" : "edge-a";
            run.Hear(v.Says(2 + i, "rr", null, b => b with { Edge = edge }));
        }

        run.Finish(QoeRun.T0.AddSeconds(9));
        Assert.All(run.Windows(), window => Assert.Equal(1, window.Sessions));
    }

    [Theory]
    [InlineData(403, 0)]
    [InlineData(404, 0)]
    [InlineData(429, 0)]
    [InlineData(499, 0)]
    [InlineData(500, 1)]
    [InlineData(503, 1)]
    [InlineData(504, 1)]
    public void Only_answers_of_5xx_and_time_outs_speak_against_an_edge(int status, int errors)
    {
        var run = new QoeRun(Options);
        for (var i = 0; i < 21; i++)
            run.Serve(Line(1, "edge-a") with { Status = status, SessionId = null });
        run.Finish(QoeRun.T0.AddSeconds(5));
        var window = Assert.Single(run.Windows());
        Assert.Equal((21L, 21L * errors), (window.Requests, window.RequestErrors));
        Assert.Empty(run.Alerts());
    }

    [Fact]
    public void Requests_that_are_not_signed_count_for_nothing_whatever_the_edge_answers()
    {
        var run = new QoeRun(Options);
        var v = new Viewer("s1");
        run.Hear([v.Says(0, "ps", "s"), v.Says(1, "ps", "p")]);
        for (var i = 0; i < 30; i++)
            run.Serve(Line(2, "edge-b") with { Status = i % 2 == 0 ? 403 : 505, Signed = false });
        run.Hear(v.Says(5, "ps", "e"));
        run.Finish(QoeRun.T0.AddSeconds(5));
        Assert.Equal("edge-a", Assert.Single(Finished(run).Edges!).Edge);
        Assert.All(run.Windows(), window => Assert.Equal(("edge-a", 0L), (window.Subject.Edge, window.Requests)));
        Assert.DoesNotContain(run.Load(), step => step.Resource.Contains("edge-b") && step.Value > 0);
    }

    /// <summary>
    /// Fifteen seconds of playing and one of stalling from edge-a, then four seconds from edge-b. The first line of a
    /// log comes before the first report.
    /// </summary>
    private static QoeRun Moved(string region)
    {
        var run = new QoeRun(Options);
        var v = new Viewer("s1");
        BeaconReceived Says(double second, string what, string? state, string edge = "") =>
            v.Says(second, what, state, b => b with { Edge = edge, Region = region });
        run.Serve(Line(0, "edge-a"));
        run.Hear([Says(0, "ps", "s"), Says(0.5, "rr", null, "edge-a"), Says(1, "ps", "p")]);
        for (var i = 0; i < 38; i++)
            run.Serve(Line(1 + (i * 0.1), "edge-a") with { Status = i == 0 ? 502 : 200 });
        run.Hear([Says(6, "ps", "r"), Says(7, "ps", "p"), Says(12, "t", "p"), Says(17, "rr", null, "edge-b")]);
        for (var i = 0; i < 4; i++)
            run.Serve(Line(17 + (i * 0.1), "edge-b"));
        run.Hear(Says(21, "ps", "e"));
        run.Finish(QoeRun.T0.AddSeconds(21));
        return run;
    }

    private static SessionFinished Finished(QoeRun run) => run.Sessions().OfType<SessionFinished>().Single();

    private static CdnRequestServed Line(double second, string edge) =>
        new()
        {
            Time = QoeRun.T0.AddSeconds(second),
            Edge = edge,
            Signed = true,
            SessionId = "s1",
            VideoId = "video-1",
            Method = "GET",
            Path = "/v/1.m4s",
            Status = 200,
            Bytes = 1000,
        };
}
