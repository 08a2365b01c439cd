using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;

namespace EventStream.Unit.Tests.Encode;

/// <summary>The command lines as FFMpegCore writes them, word by word; no process is started.</summary>
public class FfmpegRecipesTests
{
    private static readonly SourceInfo Film = new(30, 1920, 1080, 24, "h264", "aac", 6, 22_718_509);

    private const string Head = "-hide_banner -loglevel error -stats_period 0.5";
    private const string Guard =
        "-protocol_whitelist file -format_whitelist mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf "
        + "-i \"file:/in/a b.mp4\"";
    private const string Bare = "-sn -dn -map_metadata -1 -map_chapters -1";

    [Fact]
    public void A_rung_has_a_fixed_closed_GOP_of_whole_frames_and_a_capped_bitrate()
    {
        var rung = new Rung("720p", 1280, 720, 2_800_000);
        Assert.Equal(
            $"{Head} -threads 1 {Guard} -map 0:V:0 -an {Bare} "
                + "-vf \"fps=fps=30000/1001:start_time=0, scale=1280:720:flags=bicubic, setsar=1, format=yuv420p\" "
                + "-c:v libx264 -profile:v high -preset veryfast "
                + "-g 60 -keyint_min 60 -sc_threshold 0 -flags +cgop -force_key_frames expr:not(mod(n,60)) "
                + "-b:v 2800k -maxrate 3500k -bufsize 5600k -threads 1 -fps_mode passthrough -f mp4 "
                + "\"file:/out/t.mp4\" -y",
            FfmpegRecipes
                .Tracks("/in/a b.mp4", [new(rung, "/out/t.mp4")], new(new(30000, 1001), 2, "veryfast", 1))
                .Arguments
        );
    }

    [Fact]
    public void A_chunk_is_read_from_before_its_key_frame_and_cut_from_the_pictures_of_the_whole()
    {
        var source = Film with { DurationSeconds = 60, StartSeconds = 0.5, KeyFrameSeconds = 4.1 };
        var range = PictureRange.Of(new RungChunk(2, 4, 6, 5), source, new(25, 1), 2);
        Assert.Equal(new PictureRange(250, 250, 5), range);
        var rung = new Rung("720p", 1280, 720, 2_800_000);
        var settings = new PictureSettings(new(25, 1), 2, "veryfast", 1, Pictures: range);
        var line = FfmpegRecipes
            .Tracks("/in/a b.mp4", [new(rung, "/out/t.mp4")], settings, null, PlayedPart.Of(source))
            .Arguments;
        Assert.Contains($"-threads 1 -noaccurate_seek -ss 5 -itsoffset 4.5 {Guard} ", line, StringComparison.Ordinal);
        Assert.Contains(
            "-vf \"fps=fps=25/1:start_time=0, tpad=stop=1500:stop_mode=clone, trim=start_frame=250, "
                + "setpts=PTS-STARTPTS, scale=1280:720",
            line,
            StringComparison.Ordinal
        );
        Assert.Contains("-frames:v 250 ", line, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_chunk_begins_like_the_whole_and_the_last_one_ends_like_it()
    {
        var source = Film with { DurationSeconds = 61.4, StartSeconds = 0.5, KeyFrameSeconds = 4.1 };
        PictureRange Of(RungChunk chunk) => PictureRange.Of(chunk, source, new(25, 1), 2);
        Assert.Equal(new PictureRange(0, 250, 0), Of(new RungChunk(1, 6, 1, 5)));
        Assert.Equal(new PictureRange(1250, 285, 45), Of(new RungChunk(6, 6, 26)));
    }

    [Fact]
    public void Several_rungs_and_the_sound_are_made_in_one_decoding()
    {
        RungOutput[] rungs =
        [
            new(new Rung("240p", 426, 240, 400_000), "/out/240p.mp4"),
            new(new Rung("720p", 1280, 720, 2_800_000), "/out/720p.mp4"),
        ];
        static string Video(int at, string profile, string rates, string name) =>
            $"-map [v{at}] -an {Bare} -c:v libx264 -profile:v {profile} -preset veryfast "
            + "-g 48 -keyint_min 48 -sc_threshold 0 -flags +cgop -force_key_frames expr:not(mod(n,48)) "
            + $"{rates} -threads 0 -fps_mode passthrough -f mp4 \"file:/out/{name}.mp4\" -y ";
        Assert.Equal(
            $"{Head} -threads 0 {Guard} -filter_complex \"[0:V:0]fps=fps=24/1:start_time=0,split=2[s0][s1];"
                + "[s0]scale=426:240:flags=bicubic,setsar=1,format=yuv420p[v0];"
                + "[s1]scale=1280:720:flags=bicubic,setsar=1,format=yuv420p[v1]\" "
                + Video(0, "main", "-b:v 400k -maxrate 500k -bufsize 800k", "240p")
                + Video(1, "high", "-b:v 2800k -maxrate 3500k -bufsize 5600k", "720p")
                + $"-map 0:a:0 -vn {Bare} -af \"aresample=async=1:first_pts=0\" "
                + "-c:a aac -profile:a aac_low -ac 2 -ar 48000 -b:a 96k -f mp4 \"file:/out/a.mp4\" -y",
            FfmpegRecipes
                .Tracks(
                    "/in/a b.mp4",
                    rungs,
                    new(new(24, 1), 2, "veryfast", 0),
                    new SoundOutput(null, 96_000, "/out/a.mp4")
                )
                .Arguments
        );
    }

    [Theory]
    [InlineData(426, 240, "main")]
    [InlineData(854, 480, "main")]
    [InlineData(1280, 720, "high")]
    [InlineData(406, 720, "main")]
    public void Small_pictures_use_the_Main_profile(int width, int height, string profile)
    {
        var rung = new Rung("r", width, height, 1000);
        Assert.Contains(
            $" -profile:v {profile} ",
            FfmpegRecipes.Tracks("/in", [new(rung, "/out")], new(new(24, 1), 2, "fast", 0)).Arguments,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_path_is_one_argument_and_never_an_option()
    {
        var line = FfmpegRecipes.Audio("/in/a b'$(x).mp4", "-o.mp4", 128_000).Arguments;
        Assert.Contains("-i \"file:/in/a b'$(x).mp4\" ", line, StringComparison.Ordinal);
        Assert.EndsWith(" \"file:-o.mp4\" -y", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/in/x\" -f null - \"y.mp4")]
    [InlineData("/in/x\\")]
    [InlineData("/in/x\ny.mp4")]
    public void A_path_that_would_add_options_is_refused(string path)
    {
        Assert.Throws<IOException>(() => FfmpegRecipes.Poster(path, "/out/p.jpg", Film, 3));
        Assert.Throws<IOException>(() => FfmpegRecipes.Audio("/in/a.mp4", path, 128_000));
    }

    [Fact]
    public void Audio_is_mixed_down_to_stereo_AAC_LC_that_starts_at_zero() =>
        Assert.Equal(
            $"{Head} -threads 1 {Guard} -map 0:a:0 -vn {Bare} -af \"aresample=async=1:first_pts=0\" "
                + "-c:a aac -profile:a aac_low -ac 2 -ar 48000 -b:a 96k -f mp4 \"file:/out/t.mp4\" -y",
            FfmpegRecipes.Audio("/in/a b.mp4", "/out/t.mp4", 96_000).Arguments
        );

    [Fact]
    public void The_poster_is_one_picture_no_wider_than_1280() =>
        Assert.Equal(
            $"{Head} -threads 1 -ss 00:00:03.000 {Guard} -map 0:V:0 -an {Bare} "
                + "-vf \"scale=1280:720:flags=bicubic, setsar=1, format=yuvj420p\" "
                + "-frames:v 1 -c:v mjpeg -q:v 3 -f image2 -update 1 \"file:/out/p.jpg\" -y",
            FfmpegRecipes.Poster("/in/a b.mp4", "/out/p.jpg", Film, 3).Arguments
        );

    [Fact]
    public void A_measured_source_begins_at_zero_and_has_a_known_number_of_pictures_and_samples()
    {
        var (part, rung) = (new PlayedPart(1.5, 6.006), new Rung("720p", 1280, 720, 2_800_000));
        var rate = new FrameRate(30000, 1001);
        var picture = FfmpegRecipes.Tracks("/in", [new(rung, "/out")], new(rate, 2, "fast", 1), part: part).Arguments;
        Assert.Contains(" -itsoffset -1.5 -protocol_whitelist ", picture, StringComparison.Ordinal);
        Assert.Contains(
            "format=yuv420p, tpad=stop=180:stop_mode=clone\" -frames:v 180 ",
            picture,
            StringComparison.Ordinal
        );
        var sound = FfmpegRecipes.Audio("/in", "/out", 96_000, part).Arguments;
        Assert.Contains(" -itsoffset -1.5 -protocol_whitelist ", sound, StringComparison.Ordinal);
        Assert.Contains(
            "-af \"aresample=48000:async=1:first_pts=0, apad=whole_len=288288, atrim=end_sample=288288\" ",
            sound,
            StringComparison.Ordinal
        );
        var late = Film with { StartSeconds = 1.5 };
        var poster = FfmpegRecipes.Poster("/in", "/out", late, 3).Arguments;
        Assert.Contains(" -ss 00:00:04.500 ", poster, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_picture_is_taken_without_a_seek_and_without_tiles()
    {
        var poster = FfmpegRecipes.Poster("/in", "/out", Film, null).Arguments;
        Assert.DoesNotContain(" -ss ", poster, StringComparison.Ordinal);
        var sprite = FfmpegRecipes.Sprite("/in", "/out", SpriteSheet.For(Film).OfOneTile(30)).Arguments;
        Assert.Contains(
            "-vf \"scale=160:90:flags=bicubic, setsar=1, format=yuvj420p\" -frames:v 1 ",
            sprite,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_sprite_of_a_short_film_decodes_every_picture() =>
        Assert.Equal(
            $"{Head} -threads 1 {Guard} -map 0:V:0 -an {Bare} "
                + "-vf \"fps=fps=1/1:start_time=0:round=up, scale=160:90:flags=bicubic, setsar=1, "
                + "tpad=stop=30:stop_mode=clone, tile=10x3, format=yuvj420p\" "
                + "-frames:v 1 -c:v mjpeg -q:v 5 -f image2 -update 1 \"file:/out/s.jpg\" -y",
            FfmpegRecipes.Sprite("/in/a b.mp4", "/out/s.jpg", SpriteSheet.For(Film)).Arguments
        );

    [Fact]
    public void The_sprite_of_a_long_film_decodes_key_frames_only()
    {
        var sheet = SpriteSheet.For(Film with { DurationSeconds = 5400 });
        Assert.Equal((54.0, 100, 10, 10), (sheet.IntervalSeconds, sheet.Tiles, sheet.Columns, sheet.Rows));
        Assert.StartsWith(
            $"{Head} -skip_frame nokey -threads 1 ",
            FfmpegRecipes.Sprite("/in", "/out", sheet).Arguments,
            StringComparison.Ordinal
        );
    }
}
