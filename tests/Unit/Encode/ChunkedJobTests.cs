using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;
using EventStream.Encode.Worker;
using EventStream.Unit.Tests.EventStore;
using static EventStream.Tests.Kit.EncodeSamples;

namespace EventStream.Unit.Tests.Encode;

/// <summary>The job of a long source: 30 s at 24 frames per second, in chunks of 10 s and segments of 2 s.</summary>
public sealed class ChunkedJobTests
{
    private static readonly SourceInfo Long = Source with { StartSeconds = 0, KeyFrameSeconds = 2 };
    private static readonly JobRules Cut = Rules with { Chunks = new ChunkRules(30, 10) };
    private static readonly RungChunk[] Chunks = [new(1, 3, 1, 5), new(2, 3, 6, 5), new(3, 3, 11)];
    private static readonly EncodeAudio Sound = new(Id, "sources/x", Long, 128_000, 2, $"media/{Id}/audio", T2);

    [Fact]
    public void The_first_chunk_and_the_sound_are_sent_alone()
    {
        var planned = Planned();
        Assert.Equal([First(1), Sound], planned.Messages.OfType<ICommand>());
        Assert.Equal(5, planned.Messages.OfType<EncodePlanned>().Single().ChunkSegments);
        Assert.Equal(
            [
                "360p",
                "360p.1",
                "360p.2",
                "360p.3",
                "audio",
                "probe",
                "rungs",
                "rungs.1",
                "rungs.2",
                "rungs.3",
                "thumbnails",
            ],
            planned.After.Tasks.Keys
        );
        Assert.All(planned.Messages.OfType<ICommand>(), command => Assert.True(EncodeTasks.IsFirstLane(command)));
        Assert.Equal((true, false), (planned.After.IsBeginning, planned.After.IsHeld));
    }

    [Fact]
    public void Both_bring_the_other_chunks_first_those_of_the_first_rung()
    {
        var begun = Begun();
        Assert.Equal(
            ["thumbnails", "360p.2", "360p.3", "rungs.1", "rungs.2", "rungs.3"],
            begun.Messages.OfType<ICommand>().Select(command => EncodeTasks.Of(command).Task)
        );
        Assert.Contains(First(2), begun.Messages);
        Assert.Equal(Chunks, begun.Messages.OfType<EncodeRung>().Skip(2).Select(command => command.Chunk));
        Assert.False(EncodeTasks.IsFirstLane(First(2)));
        Assert.Equal((false, false), (begun.After.IsBeginning, begun.After.IsHeld));
    }

    [Fact]
    public void A_worker_takes_the_chunks_of_the_first_rung_before_those_of_lower_ones()
    {
        var commands = Begun().Messages.OfType<ICommand>().Reverse();
        Assert.Equal(
            ["thumbnails", "360p.2", "360p.3", "rungs.1", "rungs.2", "rungs.3"],
            commands
                .OrderBy(command => Turn.Of(command, firstLane: false), Turn.Order)
                .Select(command => EncodeTasks.Of(command).Task)
        );
    }

    [Fact]
    public void Chunks_are_held_while_the_first_rung_of_another_video_waits()
    {
        var held = Planned()
            .When(Comes(Made("360p.1")))
            .When(job => job.Decide(Encoded("audio"), Cut with { Hold = true }, T2));
        Assert.Empty(held.Messages.OfType<ICommand>());
        Assert.True(held.After.IsHeld);
        Assert.Equal(6, held.When(job => job.DecideRelease(Cut, T2)).Messages.Count);
    }

    [Fact]
    public void The_last_chunk_brings_the_task_that_joins_them()
    {
        var joined = new JoinChunks(Id, [Plan.Ladder[0], Plan.Ladder[2]], 3, "rungs", T2);
        Begun()
            .When(Comes(Made("rungs.3")))
            .Then(Finished("rungs.3"))
            .When(Comes(Made("rungs.1")))
            .Then(Finished("rungs.1"))
            .When(Comes(Made("rungs.1")))
            .ThenNothing()
            .When(Comes(Made("rungs.2")))
            .Then(Finished("rungs.2"), joined)
            .When(Comes(Failed("rungs", 1)))
            .Then(Resent("rungs", 2), joined with { Attempt = 2 })
            .When(Comes(EncodedTogether()))
            .Then(Finished("rungs"));
        Assert.True(EncodeTasks.IsFirstLane(joined));
    }

    [Fact]
    public void Only_a_task_that_waits_for_chunks_is_not_missed()
    {
        var late = T2.AddHours(1);
        var silent = Begun()
            .When(job =>
                job.DecideStalled(_ => null, new(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10)), Cut, late)
            );
        Assert.Equal(
            ["360p.2", "360p.3", "rungs.1", "rungs.2", "rungs.3", "thumbnails"],
            silent.Messages.OfType<EncodeTaskResent>().Select(resent => resent.Task)
        );
    }

    [Fact]
    public void The_joined_rungs_complete_the_job()
    {
        IMessage[] reports =
        [
            Made("360p.2"),
            Made("360p.3"),
            Made("rungs.1"),
            Made("rungs.2"),
            Made("rungs.3"),
            Pictures,
        ];
        var last = reports.Aggregate(Begun(), (job, report) => job.When(Comes(report))).When(Comes(Encoded("360p")));
        Assert.Equal(JobPhase.Encoding, last.After.Phase);
        var whole = last.When(Comes(EncodedTogether()));
        Assert.Equivalent(Quality(T2) with { Source = Long }, whole.Messages.OfType<MeasureQuality>().Single());
        Assert.Equal(JobPhase.Completed, whole.When(Comes(Measured)).After.Phase);
    }

    [Fact]
    public void The_chunks_of_a_title_of_its_own_ladder_follow_its_analysis()
    {
        var rules = Cut with { Ladder = new PerTitleLadder(), TaskPerRung = true };
        Func<EncodeJob, IEnumerable<IMessage>> Comes(IMessage message) => job => job.Decide(message, rules, T2);
        var begun = AggregateSpec
            .Given<EncodeJob>(Probe)
            .When(Comes(Probed with { Source = Long }))
            .When(Comes(Made("360p.1")))
            .When(Comes(Encoded("audio")));
        Assert.Equal(["analysis", "thumbnails", "360p.2", "360p.3"], Sent(begun));
        LadderSample[] samples =
        [
            new("360p", 23, 300_000, 0.95),
            new("480p", 24, 600_000, 0.97),
            new("480p", 34, 150_000, 0.93),
        ];
        var placed = begun.When(Comes(new SourceAnalysed(Id, samples, "w1", 2, T0)));
        Assert.Equal(
            ["rungs.1", "rungs.2", "rungs.3", "rungs"],
            placed.Messages.OfType<EncodeLadderChosen>().Single().Tasks
        );
        Assert.Equal(["rungs.1", "rungs.2", "rungs.3"], Sent(placed));
        Assert.All(placed.Messages.OfType<EncodeRung>(), rung => Assert.NotNull(rung.Also!.Single().Crf));
        var given = begun.When(Comes(Failed("analysis", 1, willRetry: false)));
        Assert.Equal(["rungs.1", "rungs.2", "rungs.3"], Sent(given));
    }

    [Fact]
    public void A_chunk_that_viewers_wait_for_is_tried_again_in_the_first_lane()
    {
        var (first, other) = (Begun().When(Comes(Failed("360p.2", 1))), Begun().When(Comes(Failed("rungs.2", 1))));
        Assert.True(EncodeTasks.IsFirstLane(first.Messages.OfType<ICommand>().Single()));
        Assert.False(EncodeTasks.IsFirstLane(other.Messages.OfType<ICommand>().Single()));
    }

    [Fact]
    public void Chunks_are_the_work_of_their_rungs_and_joining_is_none()
    {
        var job = Begun().After;
        Assert.Equal(
            ["360p", "360p.1", "audio", "probe", "rungs"],
            job.Tasks.Keys.Where(task => job.LaneOf(task) == EncodeLanes.Fast)
        );
        var whole = AggregateSpec.Given<EncodeJob>(Probe).When(job => job.Decide(Probed, Rules, T2)).After;
        Assert.Equal(whole.SecondsOf("rungs") / 3, job.SecondsOf("rungs.2"), 0.001);
        Assert.Equal((0.5, 0.5), (job.SecondsOf("rungs"), job.SecondsOf("360p")));
    }

    [Fact]
    public void A_chunk_that_is_given_up_stops_the_job() =>
        Begun()
            .When(Comes(Failed("360p.2", 1, willRetry: false)))
            .Then(new EncodeStopped(Id, "360p.2", false, "disk full", T0));

    [Theory]
    [InlineData(29.9, 2.0, true)] // too short
    [InlineData(30.0, 2.6, true)] // key frames too far apart
    [InlineData(30.0, null, true)] // cannot be read from any time on
    [InlineData(50_000.0, 2.0, true)] // times do not fit
    [InlineData(30.0, 2.5, false)]
    public void Some_sources_are_encoded_whole(double seconds, double? gap, bool whole) =>
        Assert.Equal(
            whole,
            Cut.Chunks!.SegmentsOf(Long with { DurationSeconds = seconds, KeyFrameSeconds = gap }, 2) is null
        );

    [Fact]
    public void A_longer_source_has_longer_chunks_and_not_more_of_them()
    {
        var day = Long with { DurationSeconds = 12 * 3600, KeyFrameSeconds = 0.2 };
        var segments = new ChunkRules(30, 1).SegmentsOf(day, 2)!.Value;
        Assert.Equal(ChunkRules.ChunksMax, ChunkRules.Of(day, 2, segments).Count);
    }

    [Theory]
    [InlineData(30, 25, 2, 5, "1:5 6:5 11:")]
    [InlineData(39.9, 25, 2, 5, "1:5 6:5 11:")]
    [InlineData(40, 25, 2, 5, "1:5 6:5 11:5 16:")]
    [InlineData(9, 25, 2, 5, "1:")]
    [InlineData(20.02, 29.97002997, 2, 5, "1:5 6:")]
    [InlineData(19.98, 29.97002997, 2, 5, "1:")]
    public void The_last_chunk_takes_the_rest(
        double seconds,
        double rate,
        double segment,
        int segments,
        string chunks
    ) =>
        Assert.Equal(
            chunks,
            string.Join(
                ' ',
                ChunkRules
                    .Of(Long with { DurationSeconds = seconds, FramesPerSecond = rate }, segment, segments)
                    .Select(chunk => $"{chunk.FirstSegment}:{chunk.Segments}")
            )
        );

    private static IEnumerable<string> Sent(Decision<EncodeJob> decided) =>
        decided.Messages.OfType<ICommand>().Select(command => EncodeTasks.Of(command).Task);

    private static EncodeRung First(int number) =>
        Rung("360p") with
        {
            Source = Long,
            IsFirst = true,
            Task = $"360p.{number}",
            Chunk = Chunks[number - 1],
        };

    private static ChunkEncoded Made(string task) => new(Id, task, [], 1, 3, false, "w1", 1, T0);

    private static Decision<EncodeJob> Planned() =>
        AggregateSpec.Given<EncodeJob>(Probe).When(Comes(Probed with { Source = Long }));

    private static Decision<EncodeJob> Begun() => Planned().When(Comes(Made("360p.1"))).When(Comes(Encoded("audio")));

    private static Func<EncodeJob, IEnumerable<IMessage>> Comes(IMessage message) =>
        job => job.Decide(message, Cut, T2);
}
