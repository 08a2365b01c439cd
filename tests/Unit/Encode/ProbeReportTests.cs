using EventStream.Encode.Ffmpeg;

namespace EventStream.Unit.Tests.Encode;

public class ProbeReportTests
{
    private const string Video =
        """{"codec_type":"video","codec_name":"h264","width":1920,"height":1080,"r_frame_rate":"24/1","avg_frame_rate":"24/1"}""";

    private const string Cover =
        """{"codec_type":"video","codec_name":"mjpeg","width":300,"height":300,"disposition":{"attached_pic":1}}""";

    private const string Sound = """{"codec_type":"audio","codec_name":"aac","channels":6}""";

    [Fact]
    public void A_film_is_described()
    {
        var info = Report(Cover, Video, Sound).Describe(99);
        Assert.Equal(
            (30.02, 1920, 1080, 24.0, "h264", "aac", 6, 99L),
            (
                info.DurationSeconds,
                info.Width,
                info.Height,
                info.FramesPerSecond,
                info.VideoCodec,
                info.AudioCodec,
                info.AudioChannels,
                info.SizeBytes
            )
        );
    }

    [Fact]
    public void A_film_without_sound_has_no_audio_codec() =>
        Assert.Equal(
            (null, 0),
            Report(Video).Describe(1) is var info ? (info.AudioCodec, info.AudioChannels) : default
        );

    [Theory]
    [InlineData("90")]
    [InlineData("-90")]
    [InlineData("270")]
    public void A_rotated_picture_is_seen_upright(string degrees)
    {
        var turned =
            Video.TrimEnd('}')
            + $$""","side_data_list":[{"side_data_type":"x"},{"side_data_type":"Display Matrix","rotation":{{degrees}}}]}""";
        Assert.Equal((1080, 1920), Report(turned).Describe(1) is var info ? (info.Width, info.Height) : default);
    }

    [Fact]
    public void Wide_pixels_make_a_wider_picture()
    {
        var pal =
            """{"codec_type":"video","codec_name":"mpeg2video","width":720,"height":576,"sample_aspect_ratio":"64:45"}""";
        Assert.Equal((1024, 576), Report(pal).Describe(1) is var info ? (info.Width, info.Height) : default);
    }

    [Theory]
    [InlineData("", "The file holds no picture.")]
    [InlineData(Sound, "The file holds sound and no picture.")]
    [InlineData(Sound + "," + Cover, "The file holds sound and no picture.")]
    [InlineData(
        """{"codec_type":"video","codec_name":"h264","width":9000,"height":10}""",
        "The picture of 9000x10 pixels is outside 16 to 8192 pixels a side."
    )]
    [InlineData(
        """{"codec_type":"video","codec_name":"h264"}""",
        "The picture of 0x0 pixels is outside 16 to 8192 pixels a side."
    )]
    [InlineData("""{"codec_type":"video","width":100,"height":100}""", "The codec of the picture is unknown.")]
    public void What_cannot_be_encoded_is_refused_with_a_remedy(string streams, string reason)
    {
        var refused = Assert.Throws<UnusableSourceException>(() => Report(streams).Describe(1));
        Assert.Equal(reason, refused.Reason);
        Assert.Matches("[Uu]pload", refused.Remedy);
    }

    [Theory]
    [InlineData("""{"streams":[{"codec_type":"vid""")]
    [InlineData("""{"streams":[]}""")]
    [InlineData("""{"streams":[{"codec_type":"video","sample_aspect_ratio":"wide"}],"format":{}}""")]
    public void A_description_that_is_cut_off_or_nonsense_is_refused(string json) =>
        Assert.Contains(
            "cannot be read",
            Assert.Throws<UnusableSourceException>(() => ProbeReport.Read(json)).Reason,
            StringComparison.Ordinal
        );

    private static ProbeReport Report(params string[] streams) =>
        ProbeReport.Read(
            $$$"""{"streams":[{{{string.Join(',', streams)}}}],"format":{"format_name":"mov,mp4","duration":"30.020000"}}"""
        );
}
