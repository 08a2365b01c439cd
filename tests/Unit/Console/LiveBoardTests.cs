using System.Text.Json;
using EventStream.Console.Live;
using EventStream.Contracts;

namespace EventStream.Unit.Tests.Console;

public sealed class LiveBoardTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly LiveBoard board = new();

    [Fact]
    public void Windows_of_one_edge_are_added_up_over_videos_and_devices()
    {
        board.Apply(Window("edge-a", "desktop", stalls: 1, stallMs: 400));
        board.Apply(Window("edge-a", "phone", stalls: 2, stallMs: 600));
        board.Apply(Window("edge-b", "phone", stalls: 0, stallMs: 0));

        var windows = Part("windows").EnumerateArray().ToArray();

        Assert.Equal(2, windows.Length);
        Assert.Equal(
            (3, 1000.0),
            (windows[0].GetProperty("stalls").GetInt32(), windows[0].GetProperty("stallMs").GetDouble())
        );
    }

    [Fact]
    public void A_forecast_keeps_what_earlier_ones_said_of_steps_that_are_over()
    {
        board.Apply(Forecast(Start, 10));
        board.Apply(Forecast(Start.AddMinutes(1), 20));

        var steps = Part("forecasts")
            .GetProperty("viewers")
            .GetProperty("steps")
            .EnumerateArray()
            .Select(step => step[1].GetDouble());

        Assert.Equal([10, 20, 20, 20], steps);
    }

    [Fact]
    public void A_finished_session_is_no_longer_open()
    {
        var quality = new SessionQuality(500, 0, 0, 1000, 1500, 800, 0, 0, false, false);
        var subject = new SessionSubject("v", "edge-a", "eu", "desktop", "hls.js");
        board.Apply(new SessionUpdated("s", subject, "p", quality, 3, Start, Start));
        board.Apply(new SessionFinished("s", subject, "quit", quality, 4, Start, Start));

        Assert.Equal(0, Part("sessions").GetProperty("open").GetInt32());
        Assert.Single(Part("sessions").GetProperty("latestFinished").EnumerateArray());
    }

    [Fact]
    public void Load_is_bounded_to_its_newest_steps()
    {
        for (var i = 0; i < 1000; i++)
            board.Apply(new LoadMeasured("viewers", Start.AddSeconds(10 * i), 10, i, "sessions"));

        var steps = Part("load").GetProperty("viewers").GetProperty("steps").EnumerateArray().ToArray();

        Assert.Equal(720, steps.Length);
        Assert.Equal(999, steps[^1][1].GetDouble());
    }

    [Fact]
    public void Load_has_the_length_of_each_step_also_after_the_setting_changed()
    {
        board.Apply(new LoadMeasured("viewers", Start, 10, 1, "sessions"));
        board.Apply(new LoadMeasured("viewers", Start.AddSeconds(10), 60, 2, "sessions"));

        var load = Part("load").GetProperty("viewers");

        Assert.Equal(60, load.GetProperty("stepSeconds").GetDouble());
        Assert.Equal([10, 60], load.GetProperty("steps").EnumerateArray().Select(step => step[2].GetDouble()));
    }

    [Fact]
    public void A_version_grows_with_each_change_and_only_then()
    {
        board.SetUpstream(LiveBoard.Edges, """{"edges":[]}""", null);
        var first = board.Version(LiveBoard.Edges);
        board.SetUpstream(LiveBoard.Edges, """{"edges":[]}""", null);
        Assert.Equal(first, board.Version(LiveBoard.Edges));

        board.SetUpstream(LiveBoard.Edges, null, "traffic does not answer");

        Assert.True(board.Version(LiveBoard.Edges) > first);
        Assert.Equal("traffic does not answer", Part(LiveBoard.Edges).GetProperty("trouble").GetString());
    }

    [Fact]
    public void An_answer_that_is_not_JSON_is_said_to_be_none()
    {
        board.SetUpstream(LiveBoard.Processes, "<html>", null);

        Assert.Contains("not JSON", Part(LiveBoard.Processes).GetProperty("trouble").GetString());
    }

    private static QoeWindowClosed Window(string edge, string device, int stalls, double stallMs) =>
        new(
            Start,
            Start.AddSeconds(10),
            new SessionSubject("v", edge, "eu", device, "hls.js"),
            1,
            0,
            null,
            null,
            stalls,
            stallMs,
            9000,
            800,
            0,
            0,
            0,
            5,
            1000,
            4,
            0
        );

    private static ForecastPublished Forecast(DateTimeOffset origin, double median) =>
        new(
            "viewers",
            origin,
            60,
            "combination",
            10,
            new Dictionary<string, double>(),
            [
                .. Enumerable
                    .Range(0, 3)
                    .Select(i => new ForecastStep(origin.AddMinutes(i), median, median, median, median)),
            ]
        );

    private JsonElement Part(string part) => JsonDocument.Parse(board.Render(part).Json).RootElement;
}
