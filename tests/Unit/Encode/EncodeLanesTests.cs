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
    public void Work_is_known_with_the_plan_and_with_each_further_attempt_and_not_when_a_command_is_sent_again()
    {
        DateTimeOffset? Known(params IMessage[] more) => Fold([.. EncodeSamples.Begun, .. more]).Tasks["rungs"].KnownAt;
        var later = EncodeSamples.T2.AddMinutes(1);
        Assert.Equal(EncodeSamples.T0, begun.Tasks["probe"].KnownAt);
        Assert.Equal(EncodeSamples.T2, Known());
        Assert.Equal(EncodeSamples.T2, Known(EncodeSamples.Resent("rungs", 1, at: later)));
        Assert.Equal(
            later,
            Known(
                EncodeSamples.Resent("rungs", 2, at: later),
                EncodeSamples.Rungs(2, later),
                EncodeSamples.Resent("rungs", 2, at: later.AddMinutes(1)),
                EncodeSamples.Rungs(2, later.AddMinutes(1))
            )
        );
    }

    [Fact]
    public void Rungs_that_follow_an_analysis_are_known_with_the_plan_and_once()
    {
        var (plan, later) = (EncodeSamples.Plan, EncodeSamples.T2.AddMinutes(1));
        var analysed = Fold([
            EncodeSamples.Probe,
            EncodeSamples.Finished("probe"),
            plan with
            {
                Tasks = ["360p", "analysis", "thumbnails"],
            },
            EncodeSamples.First(),
        ]);
        var work = new[] { "analysis", "rungs", "thumbnails" };
        Assert.Equal(work.Sum(analysed.SecondsOf), QueuedJob.Of(default, analysed).HeavySeconds);
        var chosen = analysed
            .Fold(EncodeSamples.Finished("360p"))
            .Fold(EncodeSamples.Finished("analysis"))
            .Fold(new EncodeLadderChosen(EncodeSamples.Id, plan.Ladder, ["rungs"], later));
        Assert.Equal(["360p", "analysis", "probe", "rungs", "thumbnails"], chosen.KnownTasks.Select(task => task.Name));
        Assert.Equal(EncodeSamples.T2, chosen.Tasks["rungs"].KnownAt);
        Assert.Equal(EncodeSamples.T2, QueuedJob.Of(default, chosen).ArrivedAt);
        Assert.Equal(work[1..].Sum(chosen.SecondsOf), QueuedJob.Of(default, chosen).HeavySeconds);
    }

    [Fact]
    public void The_measurement_is_known_when_it_is_asked_for_and_costs_what_it_compares()
    {
        var later = EncodeSamples.T2.AddMinutes(1);
        var measured = begun.Fold(EncodeSamples.Quality(later));
        Assert.Equal(later, measured.Fold(EncodeSamples.Quality(later.AddMinutes(1))).Tasks["quality"].KnownAt);
        // 24 of 30 s; the source is read, and each rung compared at four times the cost of reading.
        var pixels = (854.0 * 480) + (4 * EncodeSamples.Plan.Ladder.Sum(rung => rung.Width * rung.Height));
        Assert.Equal(24 * 24 * pixels / 500e6, measured.SecondsOf("quality"), 0.001);
    }

    private static EncodeJob Fold(IEnumerable<IMessage> messages) =>
        messages.Aggregate(new EncodeJob(), (job, message) => job.Fold(message));
}
