using EventStream.Encode.Ffmpeg;

namespace EventStream.Unit.Tests.Encode;

/// <summary>When the packets of a stream are played, and what of a source is.</summary>
public sealed class StreamClockTests
{
    private static readonly FrameRate Pal = new(25, 1);

    [Fact]
    public void A_line_of_ffprobe_is_a_packet()
    {
        Assert.Equal(
            new Packet(0, 0.08, 0, 0.04, 564, false, true),
            Packet.Read("0,0.080000,0.000000,0.040000,564,K_")
        );
        Assert.Equal(new Packet(1, null, null, 0, null, true, true), Packet.Read("1,N/A,N/A,N/A,N/A,KD"));
        Assert.Null(Packet.Read("side_data,Skip Samples"));
        Assert.Null(Packet.Read(""));
    }

    [Theory]
    [InlineData(40_000)]
    [InlineData(-1)]
    public void A_jump_of_a_clock_that_may_begin_again_is_no_time_that_passes(double jump)
    {
        var clock = Clock(resets: true, Frames(1.4, 25), Frames(2.4 + jump, 25));
        Assert.Equal(1.4, clock.Start!.Value, 6);
        Assert.Equal(3.4, clock.End!.Value, 6);
    }

    [Fact]
    public void A_gap_of_such_a_clock_and_a_jump_of_any_other_pass()
    {
        Assert.Equal(7.0, Clock(resets: true, Frames(0, 25), Frames(6, 25)).End!.Value, 6);
        Assert.Equal(41.0, Clock(resets: false, Frames(0, 25), Frames(40, 25)).End!.Value, 6);
    }

    [Fact]
    public void What_is_decoded_and_not_shown_does_not_count()
    {
        var clock = Clock(
            resets: false,
            [
                new Packet(0, -0.021, -0.021, 0.021, 0, true),
                new Packet(0, 0, 0, 0.021, 0, false),
                new Packet(0, 9, 9, 0.021, 0, true),
            ]
        );
        Assert.Equal(0.0, clock.Start);
        Assert.Equal(0.021, clock.End);
    }

    [Fact]
    public void A_packet_without_a_time_follows_the_one_before()
    {
        var clock = Clock(resets: true, Frames(0, 2), [new Packet(0, null, null, 0.04, null, false)]);
        Assert.Equal(0.12, clock.End!.Value, 6);
        Assert.Null(Clock(resets: true, [new Packet(0, null, null, 0.04, null, false)]).End);
    }

    [Theory]
    // The picture counts to its nearest frame.
    [InlineData(0, 2.01, null, 2)]
    [InlineData(0, 0.001, null, 0.04)]
    // Sound after the picture holds it, its padding of one AAC frame does not.
    [InlineData(0, 2, 2.02, 2)]
    [InlineData(0, 0.04, 15.0, 15)]
    [InlineData(0, 2, 2.05, 2.04)]
    [InlineData(0, 2, 1.0, 2)]
    // What both begin after is cut off.
    [InlineData(1.5, 3.5, 3.5, 2)]
    public void The_part_that_plays_lasts_to_the_later_end(double start, double picture, double? sound, double seconds)
    {
        var part = PlayedPart.Between(start, picture, sound, Pal);
        Assert.Equal((start, seconds), (part.StartSeconds, part.DurationSeconds));
        Assert.Equal(seconds * 25, part.Frames(Pal), 6);
        Assert.Equal(seconds * 48_000, part.Samples(48_000), 6);
    }

    private static StreamClock Clock(bool resets, params IReadOnlyList<Packet>[] packets)
    {
        var clock = new StreamClock(resets, 0.04);
        foreach (var packet in packets.SelectMany(all => all))
            clock.Add(packet);
        return clock;
    }

    private static IReadOnlyList<Packet> Frames(double from, int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new Packet(0, from + (i * 0.04), from + (i * 0.04), 0.04, i, false)),
        ];
}
