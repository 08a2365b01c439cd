using EventStream.Qoe;
using EventStream.Streams;

namespace EventStream.Unit.Tests.Qoe;

/// <summary>A stream that cannot do its work says why.</summary>
public sealed class StreamWatchTests
{
    private static readonly StreamsStatus Working = new(StreamsState.Running, ["0_0"], 100, 0, 0, 0, null);
    private readonly Clock clock = new();
    private readonly StreamWatch watch;

    public StreamWatchTests() => watch = new StreamWatch(clock);

    [Theory]
    [InlineData(StreamsState.Starting, "is starting")]
    [InlineData(StreamsState.Restoring, "changelogs")]
    [InlineData(StreamsState.Recovering, "the broker is away")]
    public void A_stream_that_does_not_run_says_what_it_does(StreamsState state, string said) =>
        Assert.Contains(said, watch.Judge(Working with { State = state, Error = "the broker is away" }));

    [Fact]
    public void One_without_partitions_is_not_ready() =>
        Assert.Contains("No partition", watch.Judge(Working with { Tasks = [] }));

    [Fact]
    public void Records_that_wait_while_none_is_processed_are_a_standstill()
    {
        Assert.Null(watch.Judge(Working with { Lag = 5 }));
        clock.Advance(StreamWatch.StandstillMax);
        Assert.Contains("7 records wait", watch.Judge(Working with { Lag = 7 }));
        Assert.Null(watch.Judge(Working with { Lag = 7, Processed = 101 }));
    }

    [Fact]
    public void An_idle_stream_and_a_busy_one_are_ready()
    {
        for (var i = 0; i < 5; i++)
        {
            Assert.Null(watch.Judge(Working with { Lag = 1000, Processed = 100 + i }));
            clock.Advance(StreamWatch.StandstillMax - TimeSpan.FromSeconds(1));
        }

        Assert.Null(watch.Judge(Working with { Processed = 104 }));
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(watch.Judge(Working with { Processed = 104 }));
    }

    private sealed class Clock : TimeProvider
    {
        private long ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => ticks;

        public void Advance(TimeSpan by) => ticks += by.Ticks;
    }
}
