using EventStream.Streams;

namespace EventStream.Tests.Streams;

public sealed class WindowedAggregateProcessorTests
{
    private static readonly TimeWindows Tens = new(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(2));

    [Fact]
    public void A_suppressed_window_speaks_once_when_stream_time_has_passed_its_grace()
    {
        var run = Windowed(suppressed: true).Pipe("k:a", 1).Pipe("k:b", 9).Pipe("k:c", 11.9);
        Assert.Empty(run.Out());
        Assert.Equal(["k@0:ab"], run.Pipe("m:x", 12).Out());
    }

    [Fact]
    public void Every_update_speaks_where_nothing_is_suppressed() =>
        Assert.Equal(["k@0:a", "k@0:ab"], Windowed(suppressed: false).Pipe("k:a", 1).Pipe("k:b", 2).Out());

    [Fact]
    public void A_record_within_the_grace_counts_and_a_later_one_is_counted_as_late()
    {
        var run = Windowed(suppressed: true)
            .Pipe("k:a", 1)
            .Pipe("m:x", 11)
            .Pipe("k:b", 5)
            .Pipe("m:y", 12)
            .Pipe("k:c", 5);
        Assert.Equal(["k@0:ab"], run.Out());
        Assert.Equal(1, run.Driver.Late);
    }

    [Fact]
    public void A_closed_window_stays_closed_after_a_restart()
    {
        var run = Windowed(suppressed: true).Pipe("k:a", 1).Pipe("m:x", 12);
        run.Driver.Commit();
        run.Driver.Restart();
        run.Out();
        run.Pipe("k:b", 5).Pipe("m:y", 25);
        Assert.Equal(["m@10:x"], run.Out());
        Assert.Equal(1, run.Driver.Late);
    }

    [Fact]
    public void Idle_time_closes_the_last_window()
    {
        var run = Windowed(suppressed: true).Pipe("k:a", 1);
        run.Driver.AdvanceStreamTime(TextRun.T0.AddSeconds(12));
        Assert.Equal(["k@0:a"], run.Out());
    }

    private static TextRun Windowed(bool suppressed) =>
        new(
            (_, stream) =>
            {
                var windows = stream
                    .GroupByKey(new Repartitioned<string, string>("by-key", Serdes.Text, Serdes.Text))
                    .WindowedBy(Tens);
                if (suppressed)
                    windows = windows.SuppressUntilWindowCloses();
                TextRun.To(
                    windows
                        .Aggregate(
                            () => "",
                            (_, value, sum) => sum + value,
                            new Materialized<string, string>("w", Serdes.Text, Serdes.Text)
                        )
                        .ToStream()
                        .Map(
                            (window, sum) =>
                                KeyValuePair.Create($"{window.Key}@{(window.Start - TextRun.T0).TotalSeconds}", sum)
                        )
                );
            }
        );
}
