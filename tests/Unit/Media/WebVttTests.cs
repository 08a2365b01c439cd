using EventStream.Media.Text;

namespace EventStream.Unit.Tests.Media;

public class WebVttTests
{
    private const string File =
        "WEBVTT\n\n00:01.000 --> 00:02.500\nOne\nand two\n\nNOTE no cue\n\n01:00:59.000 --> 01:01:01.000\nAcross\n";

    [Fact]
    public void Cues_are_read_with_and_without_hours() =>
        Assert.Equal(
            [new WebVttCue(1, 2.5, "One\nand two"), new WebVttCue(3659, 3661, "Across")],
            WebVtt.Read(File, 4000)
        );

    [Fact]
    public void Identifiers_and_settings_of_people_are_read_and_what_is_no_text_is_left_out() =>
        Assert.Equal(
            [new WebVttCue(1, 2, "<v Ann>Hi", " align:start line:90%"), new WebVttCue(3, 4, "Two --&gt; three")],
            WebVtt.Read(
                "\uFEFFWEBVTT - title\n\nSTYLE\n::cue { color: red }\n\nNOTE\n00:00.000 --> 00:01.000\n\n"
                    + "intro\n00:01.000 --> 00:02.000 align:start region:a line:90%\n<v Ann>Hi\n \n"
                    + "00:03.000 --> 00:04.000\nTwo --> three\u0007\n",
                10
            )
        );

    [Fact]
    public void SubRip_is_read_without_its_placement() =>
        Assert.Equal(
            [new WebVttCue(1, 2.5, "<i>One</i>\nand two"), new WebVttCue(3600, 3601, "Last")],
            WebVtt.Read(
                "1\r\n00:00:01,000 --> 00:00:02,500 X1:40 X2:600\r\n{\\an8}<i>One</i>\r\nand two\r\n\r\n\r\n"
                    + "2\r\n1:00:00,0 --> 1:00:01,0\r\nLast",
                4000
            )
        );

    [Theory]
    [InlineData(3660, 2, 3660)]
    [InlineData(3000, 1, 2.5)]
    [InlineData(1, 0, 0)]
    public void Nothing_is_shown_after_the_picture(double end, int cues, double last)
    {
        var read = WebVtt.Read(File, end);
        Assert.Equal((cues, last), (read.Count, read.Select(cue => cue.EndSeconds).DefaultIfEmpty().Max()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("WEBVTT\n\n00:01 --> 00:02\nNo thousandths\n")]
    [InlineData("WEBVTT\n\n00:02.000 --> 00:01.000\nBackwards\n")]
    [InlineData("WEBVTT\n\n00:01.000 --> 00:02.000\n")]
    public void What_is_no_cue_is_passed_over(string text) => Assert.Empty(WebVtt.Read(text, 10));

    [Fact]
    public void A_cue_across_a_boundary_is_in_both_segments()
    {
        var cut = WebVtt.Cut([new WebVttCue(59, 61, "Across"), new WebVttCue(120, 121, "Last")], 140);
        Assert.Equal([60.0, 80.0], cut.Select(segment => segment.Seconds));
        Assert.All(cut, segment => Assert.Contains("00:00:59.000 --> 00:01:01.000\nAcross\n", segment.Text));
        Assert.DoesNotContain("Last", cut[0].Text);
        Assert.StartsWith("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n", cut[1].Text);
        Assert.Equal(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:80\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                + "#EXTINF:60.000000,\n1.vtt\n#EXTINF:80.000000,\n2.vtt\n#EXT-X-ENDLIST\n",
            WebVtt.Playlist([60, 80])
        );
    }

    [Theory]
    [InlineData(0.5, 1)]
    [InlineData(61, 1)]
    [InlineData(100, 2)]
    public void No_segment_is_tiny(double total, int count)
    {
        var cut = WebVtt.Cut([], total);
        Assert.Equal((count, total), (cut.Count, cut.Sum(segment => segment.Seconds)));
    }
}
