using EventStream.Encode.Packaging;
using EventStream.Tests.Kit;

namespace EventStream.Unit.Tests.Encode;

public class SegmentListTests
{
    [Fact]
    public void The_average_is_all_bits_over_the_whole_length() =>
        Assert.Equal(1000, List((2, 300), (2, 200)).AverageBps);

    [Fact]
    public void The_peak_is_the_largest_rate_of_a_run_of_half_to_one_and_a_half_target_durations()
    {
        // The short last segment alone has 8000 bit/s, but lasts less than half a target duration.
        Assert.Equal((int)Math.Ceiling(500 * 8 / 2.2), List((2, 250), (2, 300), (0.2, 200)).PeakBps);
    }

    [Fact]
    public void A_single_short_segment_has_its_own_rate() => Assert.Equal(4000, List((0.4, 200)).PeakBps);

    [Theory]
    [InlineData(2.002, 2)]
    [InlineData(2.5, 3)]
    [InlineData(0.4, 1)]
    public void The_target_duration_is_the_longest_segment_in_whole_seconds(double longest, int expected) =>
        Assert.Equal(expected, List((0.3, 1), (longest, 1)).TargetSeconds);

    [Fact]
    public void The_playlist_is_whole_and_relative()
    {
        Assert.Equal(
            """
            #EXTM3U
            #EXT-X-VERSION:7
            #EXT-X-TARGETDURATION:2
            #EXT-X-MEDIA-SEQUENCE:1
            #EXT-X-PLAYLIST-TYPE:VOD
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-MAP:URI="init.mp4"
            #EXTINF:2.002000,
            1.m4s
            #EXTINF:0.500500,
            2.m4s
            #EXT-X-ENDLIST

            """.ReplaceLineEndings("\n"),
            MediaPlaylist.Write(List((2.002, 1), (0.5005, 1)))
        );
    }

    [Fact]
    public void The_lengths_come_back_from_the_playlist() =>
        Assert.Equal([2.002, 0.5005], HlsPlaylist.Durations(MediaPlaylist.Write(List((2.002, 1), (0.5005, 1)))));

    private static SegmentList List(params (double Seconds, long Bytes)[] segments)
    {
        var start = 0.0;
        return new SegmentList(segments.Select(s => new Segment(start += s.Seconds, s.Seconds, s.Bytes)).ToList());
    }
}
