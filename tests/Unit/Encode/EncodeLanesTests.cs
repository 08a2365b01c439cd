using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Planner;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Encode;

/// <summary>How much work the tasks of a job are, in which lane, and when it came.</summary>
public sealed class EncodeLanesTests
{
    private readonly EncodeJob begun = Fold(EncodeSamples.Begun);

    [Fact]
    public void What_makes_a_video_playable_is_in_the_fast_lane()
    {
        Assert.Equal(
            ["360p fast", "probe fast", "rungs heavy", "thumbnails heavy"],
            begun.Tasks.Keys.Select(task => $"{task} {begun.LaneOf(task)}")
        );
        Assert.Equal("fast", begun.LaneOf("audio"));
        Assert.Equal("heavy", begun.LaneOf("audio-2"));
    }

    [Fact]
    public void Work_goes_with_the_pixels_that_are_read_and_written()
    {
        // 30 s of 24 frames: 854x480 is read, 640x360 written at six times the cost of reading.
        var first = 720 * ((854 * 480) + (6.0 * 640 * 360)) / 500e6;
        Assert.Equal(first, begun.SecondsOf("360p"), 0.001);
        Assert.True(begun.SecondsOf("rungs") > first);
        Assert.Equal(720 * 854 * 480 / 500e6, begun.SecondsOf("thumbnails"), 0.001);
        Assert.Equal(0.5, begun.SecondsOf("audio-2"));
        Assert.Equal(0.5, Fold([EncodeSamples.Probe]).SecondsOf("probe"));
    }

    [Fact]
    public void The_list_of_jobs_holds_the_work_that_is_not_done()
    {
        var planned = QueuedJob.Of(default, Fold(EncodeSamples.Planned));
        Assert.Equal(begun.SecondsOf("360p"), planned.FastSeconds);
        Assert.Equal(begun.SecondsOf("rungs") + begun.SecondsOf("thumbnails"), planned.HeavySeconds);
        Assert.Equal(EncodeSamples.T2, planned.ArrivedAt);
        var later = QueuedJob.Of(default, begun);
        Assert.Equal((0, planned.HeavySeconds), (later.FastSeconds, later.HeavySeconds));
    }

    [Fact]
    public void Work_arrives_with_the_plan_and_with_each_further_attempt_and_not_when_a_command_is_sent_again()
    {
        DateTimeOffset? Arrival(params IMessage[] more) =>
            Fold([.. EncodeSamples.Begun, .. more]) is var job ? job.ArrivalOf(job.Tasks["rungs"]) : null;
        var later = EncodeSamples.T2.AddMinutes(1);
        Assert.Equal(EncodeSamples.T0, begun.ArrivalOf(begun.Tasks["probe"]));
        Assert.Equal(EncodeSamples.T2, Arrival());
        Assert.Equal(EncodeSamples.T2, Arrival(EncodeSamples.Resent("rungs", 1, at: later)));
        Assert.Equal(later, Arrival(EncodeSamples.Resent("rungs", 2, at: later)));
        Assert.Null(
            Arrival(
                EncodeSamples.Resent("rungs", 2, at: later),
                EncodeSamples.Resent("rungs", 2, at: later.AddMinutes(1))
            )
        );
    }

    private static EncodeJob Fold(IEnumerable<IMessage> messages) =>
        messages.Aggregate(new EncodeJob(), (job, message) => job.Fold(message));
}
