using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;

namespace EventStream.Unit.Tests.Encode;

/// <summary>Streams as ffprobe writes them, and which of them become the video.</summary>
public class StreamChoiceTests
{
    [Fact]
    public void A_default_sound_goes_before_a_commentary()
    {
        var made = Choose(
            Film(0),
            Sound(1, "\"disposition\":{\"comment\":1}"),
            Sound(2, "\"disposition\":{\"default\":1}")
        );
        Assert.Equal([(2, null), (1, TrackLabel.Commentary)], made.Sounds.Select(sound => (sound.Index, sound.Role)));
    }

    [Theory]
    [InlineData("\"disposition\":{\"comment\":1}")]
    [InlineData("\"disposition\":{\"visual_impaired\":1}")]
    [InlineData("\"disposition\":{\"default\":1},\"tags\":{\"title\":\"Director's Commentary\"}")]
    public void The_first_sound_is_not_the_main_one_where_it_comments_or_describes(string more) =>
        Assert.Equal(2, Choose(Film(0), Sound(1, more), Sound(2)).Sounds[0].Index);

    [Fact]
    public void Without_any_disposition_the_first_sound_is_the_main_one() =>
        Assert.Equal(1, Choose(Film(0), Sound(1), Sound(2)).Sounds[0].Index);

    [Fact]
    public void A_sound_that_cannot_be_decoded_is_passed_over() =>
        Assert.Equal(
            2,
            Choose(
                Film(0),
                """{"index":1,"codec_type":"audio","channels":4,"disposition":{"default":1}}""",
                """{"index":3,"codec_type":"audio","codec_name":"aac","channels":0,"disposition":{"default":1}}""",
                Sound(2)
            )
                .Sounds[0]
                .Index
        );

    [Fact]
    public void The_main_picture_goes_before_previews_and_covers()
    {
        var preview =
            """{"index":0,"codec_type":"video","codec_name":"mjpeg","width":1920,"height":1080,"disposition":{"default":1}}""";
        var cover =
            """{"index":1,"codec_type":"video","codec_name":"h264","width":999,"height":999,"disposition":{"attached_pic":1}}""";
        Assert.Equal(2, Choose(preview, cover, Film(2)).Picture!.Index);
    }

    [Fact]
    public void A_larger_picture_goes_before_a_smaller_one_and_a_default_one_before_both()
    {
        Assert.Equal(1, Choose(Film(0, 320), Film(1, 1920)).Picture!.Index);
        Assert.Equal(0, Choose(Film(0, 320, "\"disposition\":{\"default\":1}"), Film(1, 1920)).Picture!.Index);
    }

    [Fact]
    public void A_motion_jpeg_alone_is_a_film() =>
        Assert.Equal(
            0,
            Choose("""{"index":0,"codec_type":"video","codec_name":"mjpeg","width":320,"height":240}""").Picture!.Index
        );

    [Fact]
    public void Two_uncompressed_mono_tracks_are_one_stereo_sound()
    {
        var made = Choose(Film(0), Mono(1), Mono(2), Mono(3), Mono(4));
        Assert.Equal([(1, 2, 2)], made.Sounds.Select(sound => (sound.Index, sound.RightIndex!.Value, sound.Channels)));
    }

    [Fact]
    public void Mono_tracks_of_two_languages_stay_apart()
    {
        var made = Choose(
            Film(0),
            Mono(1, "\"tags\":{\"language\":\"eng\"}"),
            Mono(2, "\"tags\":{\"language\":\"fre\"}")
        );
        Assert.Equal(
            [(1, null, "en"), (2, null, "fr")],
            made.Sounds.Select(sound => (sound.Index, sound.RightIndex, sound.Language))
        );
    }

    [Fact]
    public void Compressed_mono_tracks_are_not_joined()
    {
        var made = Choose(Film(0), Sound(1), Sound(2));
        Assert.Null(Assert.Single(made.Sounds).RightIndex);
    }

    [Fact]
    public void Each_language_and_role_is_one_sound()
    {
        var made = Choose(
            Film(0),
            Sound(1, "\"tags\":{\"language\":\"eng\",\"title\":\"Surround\"}"),
            Sound(2, "\"tags\":{\"language\":\"eng\",\"title\":\"Stereo\"}"),
            Sound(3, "\"tags\":{\"language\":\"deu\"}"),
            Sound(4, "\"tags\":{\"language\":\"eng\",\"title\":\"Commentary\"}")
        );
        Assert.Equal(
            [(1, "en", null), (3, "de", null), (4, "en", TrackLabel.Commentary)],
            made.Sounds.Select(sound => (sound.Index, sound.Language, sound.Role))
        );
    }

    [Fact]
    public void There_are_no_more_sounds_and_subtitles_than_their_bounds()
    {
        string[] letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        var sounds = letters.Select((c, i) => Sound(i + 1, $"\"tags\":{{\"language\":\"x{c}\"}}"));
        var texts = Enumerable
            .Range(20, 50)
            .Select(i => $$"""{"index":{{i}},"codec_type":"subtitle","codec_name":"subrip"}""");
        var made = Choose([Film(0), .. sounds, .. texts]);
        Assert.Equal((StreamChoice.SoundsMax, StreamChoice.TextsMax), (made.Sounds.Count, made.Texts.Count));
    }

    [Fact]
    public void Sound_and_subtitles_are_of_the_program_of_the_picture()
    {
        var report = ProbeReport.Read(
            $$$"""
            {"programs":[{"program_id":1,"streams":[{"index":0},{"index":1}]},
            {"program_id":2,"streams":[{"index":2},{"index":3}]}],
            "streams":[{{{Film(0, 720)}}},{{{Sound(1)}}},{{{Film(2, 1920)}}},{{{Sound(
                3
            )}}}],"format":{"duration":"1.0"}}
            """
        );
        Assert.Equal((2, 3), (report.Streams.Picture!.Index, Assert.Single(report.Streams.Sounds).Index));
        Assert.Equal(1920, report.Describe(1).Width);
    }

    [Fact]
    public void Subtitles_in_text_are_chosen_and_pictures_of_text_are_not()
    {
        var made = Choose(
            Film(0),
            """{"index":1,"codec_type":"subtitle","codec_name":"hdmv_pgs_subtitle"}""",
            """{"index":2,"codec_type":"subtitle","codec_name":"subrip","tags":{"language":"ger"}}""",
            """{"index":3,"codec_type":"subtitle","codec_name":"mov_text","disposition":{"default":1,"forced":1}}"""
        );
        Assert.Equal(
            [(3, null, TrackLabel.Forced), (2, "de", null)],
            made.Texts.Select(text => (text.Index, text.Language, text.Role))
        );
    }

    [Fact]
    public void A_title_is_one_short_line_without_quotes()
    {
        var title = $"A \\\"B\\\"\\n{new string('c', 100)}";
        var sound = Choose(Film(0), Sound(1, $"\"tags\":{{\"title\":\"{title}\"}}")).Sounds[0];
        Assert.StartsWith("A Bccc", sound.Title, StringComparison.Ordinal);
        Assert.Equal(StreamChoice.TitleMax, sound.Title!.Length);
    }

    [Fact]
    public void The_source_says_what_was_chosen()
    {
        var film = Film(
            1,
            1920,
            "\"field_order\":\"tt\",\"color_transfer\":\"smpte2084\",\"color_primaries\":\"unknown\","
                + "\"color_space\":\"bt2020nc\",\"r_frame_rate\":\"25/1\",\"avg_frame_rate\":\"25/1\""
        );
        var info = Report(Sound(0), film).Describe(1);
        Assert.Equal(new SourcePicture(1, true, "smpte2084", null, "bt2020nc"), info.Picture);
        Assert.Equal(50, info.FramesPerSecond);
        Assert.Equal(("aac", 1), (info.AudioCodec, info.AudioChannels));
        Assert.Equal(new SourceSound(0, "aac", 1, "mono"), Assert.Single(info.Sounds!));
        Assert.Null(info.Texts);
    }

    private static string Film(int index, int width = 1280, string more = "\"field_order\":\"progressive\"") =>
        $$"""{"index":{{index}},"codec_type":"video","codec_name":"h264","width":{{width}},"height":720,{{more}}}""";

    private static string Sound(int index, string more = "\"sample_rate\":\"48000\"") =>
        $$"""{"index":{{index}},"codec_type":"audio","codec_name":"aac","channels":1,"channel_layout":"mono",{{more}}}""";

    private static string Mono(int index, string more = "\"sample_rate\":\"48000\"") =>
        $$"""{"index":{{index}},"codec_type":"audio","codec_name":"pcm_s24le","channels":1,{{more}}}""";

    private static StreamChoice Choose(params string[] streams) => Report(streams).Streams;

    private static ProbeReport Report(params string[] streams) =>
        ProbeReport.Read($$$"""{"streams":[{{{string.Join(',', streams)}}}],"format":{"duration":"1.0"}}""");
}
