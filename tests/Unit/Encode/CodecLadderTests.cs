using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Ladder;
using EventStream.Unit.Tests.EventStore;
using Microsoft.Extensions.Configuration;
using static EventStream.Tests.Kit.EncodeSamples;

namespace EventStream.Unit.Tests.Encode;

/// <summary>Ladders in further codecs: what they are, how they are encoded, and when they are sent.</summary>
public sealed class CodecLadderTests
{
    private static readonly JobRules Further = Rules with { Further = [PictureCodec.Av1, PictureCodec.Vp9] };

    [Theory]
    [InlineData("hevc", 980_000, 24)]
    [InlineData("av1", 700_000, 35)]
    [InlineData("vp9", 980_000, 36)]
    public void A_rung_has_the_size_of_H264_and_fewer_bits_at_a_quality_that_is_as_good(
        string codec,
        int bits,
        double quality
    )
    {
        var of = Plan.Ladder;
        var further = CodecLadder.Of(codec, of);
        Assert.Equal(of.Select(rung => (rung.Width, rung.Height)), further.Select(rung => (rung.Width, rung.Height)));
        Assert.Equal(new Rung($"480p-{codec}", 854, 480, bits, quality), further[^1]);
    }

    [Theory]
    [InlineData("hevc", 26.5, 30)]
    [InlineData("av1", 28, 58)]
    [InlineData("av1", 38, 63)]
    [InlineData("vp9", 25.25, 48)]
    [InlineData("vp9", 18, 26)]
    public void A_quality_that_was_chosen_for_the_title_is_kept(string codec, double crf, double own)
    {
        Rung[] placed = [new("360p", 640, 360, 800_000, crf)];
        Assert.Equal(own, Assert.Single(CodecLadder.Of(codec, placed)).Crf);
    }

    [Theory]
    [InlineData("hevc", "-c:v libx265 -profile:v main -preset veryfast -tag:v hvc1 ", ":pools=1:", "-b:v")]
    [InlineData("av1", "-c:v libsvtav1 -g 48 -preset 8 -svtav1-params scd=0:lp=1 -crf 35 ", "-maxrate 875k", "-b:v")]
    public void A_rung_has_closed_GOPs_bounded_threads_and_bits(string codec, string encoder, string bound, string none)
    {
        var rung = CodecLadder.Of(codec, Plan.Ladder)[^1];
        var settings = new PictureSettings(new(24, 1), 2, "veryfast", 1, Codec: codec);
        var words = FfmpegRecipes.Tracks("/in.mp4", [new(rung, "/out.mp4")], settings).Arguments;
        Assert.Contains(encoder, words, StringComparison.Ordinal);
        Assert.Contains(bound, words, StringComparison.Ordinal);
        Assert.DoesNotContain(none, words, StringComparison.Ordinal);
        Assert.Contains("-threads 1 -fps_mode passthrough -f mp4", words, StringComparison.Ordinal);
    }

    [Fact]
    public void VP9_is_encoded_in_two_passes_over_the_same_pictures()
    {
        var output = new RungOutput(CodecLadder.Of("vp9", Plan.Ladder)[^1], "/out.mp4");
        var settings = new PictureSettings(new(24, 1), 2, "veryfast", 1, Codec: "vp9");
        var first = FfmpegRecipes.Vp9Pass(1, "/in.mp4", output, settings, "/notes").Arguments;
        var second = FfmpegRecipes.Vp9Pass(2, "/in.mp4", output, settings, "/notes").Arguments;
        const string coded =
            "-c:v libvpx-vp9 -g 48 -keyint_min 48 -deadline good -cpu-used 4 -row-mt 1 -tile-columns 2 -b:v 980k "
            + "-crf 36 -maxrate 1225k -bufsize 1960k -threads 1 -fps_mode passthrough -f mp4 ";
        Assert.EndsWith(
            $"{coded}-pass 1 -passlogfile \"/notes\" -f null \"file:/out.mp4\" -y",
            first,
            StringComparison.Ordinal
        );
        Assert.EndsWith(
            $"{coded}-pass 2 -passlogfile \"/notes\" \"file:/out.mp4\" -y",
            second,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void They_are_sent_when_everything_else_is_made_and_measured_with_the_rest()
    {
        var begun = Given(Probe).When(Comes(Probed)).When(Comes(Encoded("360p")));
        Assert.Equal(["360p", "av1", "probe", "rungs", "thumbnails", "vp9"], begun.After.Tasks.Keys);
        Assert.Equal(["rungs", "thumbnails"], Sent(begun));
        Assert.False(begun.After.IsHeld);
        Assert.DoesNotContain(begun.After.DueTasks, task => PictureCodec.IsTask(task.Name));
        Assert.Equal("heavy", begun.After.LaneOf("av1"));
        Assert.True(begun.After.SecondsOf("av1") > 3 * begun.After.SecondsOf("rungs"));

        var rungs = begun.When(Comes(EncodedTogether())).Then(Finished("rungs"));
        var last = rungs.When(Comes(Pictures));
        Assert.Equal(["av1", "vp9"], Sent(last));
        var (av1, vp9) = (Ladder(last, "av1"), Ladder(last, "vp9"));
        Assert.Equal(CodecLadder.Of("av1", Plan.Ladder), av1.Rungs);
        Assert.Equal((null, 96_000), (av1.OpusBitrateBps, vp9.OpusBitrateBps));
        Assert.Equal("encode.commands", EncodeStore.TargetOf(av1)!.Value.Topic.Name);
        Assert.Equal($"{Id}/av1", EncodeTasks.CommandKey(av1));

        var one = last.When(Comes(Encoded("240p-av1") with { Task = "av1" })).Then(Finished("av1"));
        var both = one.When(Comes(Encoded("audio-opus") with { Task = "vp9" }));
        Assert.Equal(["quality"], Sent(both));
        Assert.Equal(
            ["240p", "360p", "480p", "240p-av1", "360p-av1", "480p-av1", "240p-vp9", "360p-vp9", "480p-vp9"],
            both.Messages.OfType<MeasureQuality>().Single().Rungs.Select(rung => rung.Name)
        );
    }

    [Fact]
    public void They_give_way_to_the_first_rungs_of_other_videos()
    {
        var held = Given(Probe)
            .When(Comes(Probed))
            .When(Comes(Encoded("360p")))
            .When(Comes(EncodedTogether()))
            .When(Comes(Pictures, Further with { Hold = true }))
            .Then(Finished("thumbnails"));
        Assert.True(held.After.IsHeld);
        Assert.Equal(["av1", "vp9"], Sent(held.When(job => job.DecideRelease(Further, T2))));
    }

    [Fact]
    public void One_that_is_given_up_ends_nothing_and_is_not_measured()
    {
        var sent = Given(Probe)
            .When(Comes(Probed))
            .When(Comes(Encoded("360p")))
            .When(Comes(EncodedTogether()))
            .When(Comes(Pictures))
            .When(Comes(Encoded("240p-vp9") with { Task = "vp9" }));
        var given = sent.When(Comes(Failed("av1", 1, willRetry: false)));
        Assert.Equal(Finished("av1") with { Cause = "disk full" }, given.Messages[0]);
        Assert.Equal(JobPhase.Encoding, given.After.Phase);
        Assert.DoesNotContain(
            given.Messages.OfType<MeasureQuality>().Single().Rungs,
            rung => rung.Name.EndsWith("av1", StringComparison.Ordinal)
        );
    }

    [Fact]
    public void The_setting_names_codecs()
    {
        Assert.Empty(Errors("h264"));
        Assert.Empty(Errors("h264, hevc,av1,vp9"));
        Assert.Equal(["av1", "hevc"], CodecLadder.Further("hevc,h264,av1").Order());
        Assert.Equal(["Encode:Ladders 'av2' must be one of h264, av1, hevc, vp9."], Errors("h264,av2"));
        Assert.Equal(
            ["Encode:Ladders 'av1' must name h264, which every device plays and which is made first."],
            Errors("av1")
        );
    }

    private static List<string> Errors(string ladders)
    {
        var errors = new List<string>();
        var settings = new Dictionary<string, string?> { ["Encode:Ladders"] = ladders };
        EncodeOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), errors);
        return errors;
    }

    private static EncodeLadder Ladder(Decision<EncodeJob> decided, string codec) =>
        decided.Messages.OfType<EncodeLadder>().Single(command => command.Codec == codec);

    private static IEnumerable<string> Sent(Decision<EncodeJob> decided) =>
        decided.Messages.OfType<ICommand>().Select(command => EncodeTasks.Of(command).Task);

    private static Given<EncodeJob> Given(params IReadOnlyList<IMessage> history) =>
        AggregateSpec.Given<EncodeJob>(history);

    private static Func<EncodeJob, IEnumerable<IMessage>> Comes(IMessage message, JobRules? rules = null) =>
        job => job.Decide(message, rules ?? Further, T2);
}
