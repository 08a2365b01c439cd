using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;

namespace EventStream.Integration.Tests.Encode;

/// <summary>Sources whose streams, channels, colours and fields are not those of a plain film, encoded.</summary>
public sealed class TrackTests : IDisposable
{
    private const string Picture = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=2";
    private const string H264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

    private readonly EncodeRig rig = new();

    public void Dispose() => rig.Dispose();

    [Fact]
    public async Task The_default_sound_is_taken_and_not_the_commentary_before_it()
    {
        var key = rig.Clip(
            "comment.mkv",
            $"{Picture} -f lavfi -i sine=220:duration=2 -f lavfi -i sine=880:duration=2 -map 0 -map 1 -map 2 {H264} "
                + "-c:a aac -disposition:a:0 comment -disposition:a:1 default"
        );
        var sound = await Sound(key);
        Assert.True(Loudness(sound, 880) > 10 * Loudness(sound, 220));
    }

    [Fact]
    public async Task The_main_picture_is_taken_and_not_the_preview_before_it()
    {
        var key = rig.Clip(
            "preview.mp4",
            $"-f lavfi -i color=black:size=96x96:rate=1:duration=2 {Picture} -map 0 -map 1 -c:v:0 mjpeg -c:v:1 libx264 "
                + "-preset ultrafast -pix_fmt:v:1 yuv420p"
        );
        var source = await rig.ReadAsync(key);
        Assert.Equal((160, 120, "h264"), (source.Width, source.Height, source.VideoCodec));
        var rendition = await rig.EncodeAsync(key, source, new StandardLadder().Choose(source)[0]);
        Assert.True(Brightness(rendition) > 40);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(16)]
    public async Task Channels_that_the_resampler_cannot_fold_are_mixed(int channels)
    {
        var pads = string.Concat(Enumerable.Range(0, channels).Select(i => $"[c{i}]"));
        var key = rig.Clip(
            "many.mov",
            $"{Picture} -f lavfi -i sine=440:duration=2:r=8000,aformat=channel_layouts=mono -filter_complex "
                + $"[1:a]asplit={channels}{pads};{pads}amerge=inputs={channels}[all] -map 0:v -map [all] {H264} "
                + "-c:a pcm_s16le"
        );
        var sound = await Sound(key);
        Assert.Contains("2", rig.Probe(sound, "-show_entries stream=channels"));
        Assert.True(Loudness(sound, 440) > 500);
    }

    [Fact]
    public async Task Discrete_mono_tracks_are_left_and_right()
    {
        var key = rig.Clip(
            "camera.mov",
            $"{Picture} -f lavfi -i sine=440:duration=2 -f lavfi -i sine=880:duration=2 -map 0 -map 1 -map 2 {H264} "
                + "-c:a pcm_s16le"
        );
        var sound = await Sound(key);
        Assert.True(Loudness(sound, 440, "pan=mono|c0=c0,") > 10 * Loudness(sound, 440, "pan=mono|c0=c1,"));
        Assert.True(Loudness(sound, 880, "pan=mono|c0=c1,") > 10 * Loudness(sound, 880, "pan=mono|c0=c0,"));
    }

    /// <summary>White paper, at 203 candelas a square metre: 58 % of PQ's signal, 75 % of HLG's.</summary>
    [Theory]
    [InlineData("smpte2084", 572)]
    [InlineData("arib-std-b67", 721)]
    public async Task A_high_range_is_mapped_to_BT_709(string transfer, int white)
    {
        var key = rig.Clip(
            "hdr.mp4",
            $"-f lavfi -i color=size=160x120:rate=25:duration=1,format=yuv420p10le,geq=lum={white}:cb=512:cr=512 "
                + "-c:v libx265 -preset ultrafast -tag:v hvc1 -x265-params "
                + $"log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
        );
        var source = await rig.ReadAsync(key);
        Assert.Equal(transfer, source.Picture!.Transfer);
        var rendition = await rig.EncodeAsync(key, source, new StandardLadder().Choose(source)[0]);
        Assert.Contains(
            "yuv420p,tv,bt709,bt709,bt709",
            rig.Probe(
                Playlist(rendition),
                "-select_streams v -show_entries stream=pix_fmt,color_range,color_space,color_transfer,color_primaries"
            )
        );
        Assert.InRange(Brightness(rendition), 180, 225);
    }

    [Theory]
    [InlineData("smpte2084", VideoRange.Pq)]
    [InlineData("arib-std-b67", VideoRange.Hlg)]
    public async Task A_high_range_can_be_kept_as_HEVC_Main_10(string transfer, string range)
    {
        var key = rig.Clip(
            "hdr.mp4",
            "-f lavfi -i testsrc2=size=160x120:rate=25:duration=3,format=yuv420p10le -c:v libx265 -preset ultrafast "
                + $"-tag:v hvc1 -x265-params log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
        );
        var source = await rig.ReadAsync(key);
        var rung = Assert.Single(HighRangeLadder.Choose(source));
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var prefix = EncodeTasks.OutputPrefix(id, rung.Name);
        var made = await rig.DoAsync(new EncodeHighRange(id, key, source, rung, 2, prefix, default));
        var rendition = Assert.IsType<RenditionEncoded>(made).Rendition;
        Assert.Equal(("120p-hdr", range, "hvc1.2.4.L60.90"), (rendition.Name, rendition.Range, rendition.Codecs));
        Assert.Equal([2.0, 1.0], rendition.SegmentDurationsSeconds.Select(seconds => Math.Round(seconds, 3)));
        Assert.Contains(
            $"Main 10,yuv420p10le,tv,bt2020nc,{transfer},bt2020",
            rig.Probe(
                Playlist(rendition),
                "-select_streams v "
                    + "-show_entries stream=profile,pix_fmt,color_range,color_space,color_transfer,color_primaries"
            )
        );
    }

    [Fact]
    public async Task Fields_become_frames_at_their_own_rate_without_combs()
    {
        var key = rig.Clip(
            "fields.mp4",
            "-f lavfi -i testsrc2=size=720x480:rate=60000/1001:duration=1 -vf tinterlace=interleave_top,setfield=tff "
                + "-c:v libx264 -preset ultrafast -crf 35 -flags +ildct+ilme -x264opts tff=1 -pix_fmt yuv420p"
        );
        var source = await rig.ReadAsync(key);
        Assert.Equal(60000.0 / 1001, source.FramesPerSecond, 3);
        var rendition = await rig.EncodeAsync(key, source, new StandardLadder().Choose(source)[^1]);
        Assert.Equal((480, 1.0), (rendition.Height, Math.Round(rendition.SegmentDurationsSeconds.Sum(), 1)));
        var seen = rig.Probe(
            $"movie={Playlist(rendition)},idet",
            "-f lavfi -show_entries frame_tags=lavfi.idet.multiple.current_frame"
        );
        Assert.InRange(seen.Length, 58, 61);
        Assert.InRange(seen.Count(frame => frame.Contains("tff", StringComparison.Ordinal)), 0, 5);
    }

    [Fact]
    public async Task Each_language_is_a_rendition_with_its_name()
    {
        var key = rig.Clip(
            "languages.mkv",
            $"{Picture} -f lavfi -i sine=440:duration=2 -f lavfi -i sine=880:duration=2 -map 0 -map 1 -map 2 {H264} "
                + "-c:a aac -metadata:s:a:0 language=eng -metadata:s:a:1 language=fre"
        );
        var source = await rig.ReadAsync(key);
        Assert.Equal(["en", "fr"], source.Sounds!.Select(sound => sound.Language));
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var prefix = EncodeTasks.OutputPrefix(id, "audio-2");
        var command = new EncodeAudio(id, key, source, 96_000, 2, prefix, default, 1, source.Sounds![1], "audio-2");
        var rendition = ((RenditionEncoded)await rig.DoAsync(command)).Rendition;
        Assert.Equal(("audio-2", new TrackLabel("Français", "fr")), (rendition.Name, rendition.Label));
        Assert.True(Loudness(Playlist(rendition), 880) > 10 * Loudness(Playlist(rendition), 440));
    }

    [Fact]
    public async Task Subtitles_become_WebVTT_and_one_longer_than_the_picture_ends_with_it()
    {
        const string lines =
            "1\n00:00:00,500 --> 00:00:01,500\nOne <i>line</i>\nand two\n\n2\n00:00:01,800 --> 00:00:09,000\nLong\n\n"
            + "3\n00:00:05,000 --> 00:00:06,000\nAfter the end\n";
        await File.WriteAllTextAsync(rig.PathOf("sources/de.srt"), lines);
        await File.WriteAllTextAsync(rig.PathOf("sources/en.srt"), lines.Replace("Long", "Short"));
        var key = rig.Clip(
            "texts.mkv",
            $"{Picture} -i {rig.PathOf("sources/de.srt")} -i {rig.PathOf("sources/en.srt")} -map 0 -map 1 -map 2 "
                + $"{H264} -c:s:0 srt -c:s:1 ass -metadata:s:s:0 language=ger -metadata:s:s:1 language=eng "
                + "-disposition:s:0 default -disposition:s:1 hearing_impaired"
        );
        var source = await rig.ReadAsync(key);
        Assert.Equal(2, source.DurationSeconds, 3);
        Assert.Equal(["de", "en"], source.Texts!.Select(text => text.Language));
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var command = new MakeSubtitles(id, key, source, EncodeTasks.OutputPrefix(id, "subtitles"), default);
        var made = (SubtitlesMade)await rig.DoAsync(command);
        Assert.Equal(
            [
                ("text-1", new TrackLabel("Deutsch", "de")),
                ("text-2", new TrackLabel("English (captions)", "en", TrackLabel.Captions)),
            ],
            made.Texts.Select(text => (text.Name, text.Label!))
        );
        Assert.All(made.Texts, text => Assert.Equal([2.0], text.SegmentDurationsSeconds));
        Assert.Equal(
            "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\nOne <i>line</i>\nand two\n\n"
                + "00:00:01.800 --> 00:00:02.000\nLong\n",
            await File.ReadAllTextAsync(rig.PathOf($"{made.Texts[0].Prefix}/all.vtt"))
        );
        Assert.Contains(
            "Short",
            await File.ReadAllTextAsync(rig.PathOf($"{made.Texts[1].Prefix}/1.vtt")),
            StringComparison.Ordinal
        );
        Assert.Equal("webvtt", rig.Probe(Playlist(made.Texts[0]), "-show_entries stream=codec_name")[0]);
    }

    [Fact]
    public async Task Subtitles_that_cannot_be_read_end_nothing()
    {
        var key = rig.Clip("silent.mp4", $"{Picture} {H264}");
        var source = (await rig.ReadAsync(key)) with { Texts = [new SourceText(7, "subrip")] };
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var command = new MakeSubtitles(id, key, source, EncodeTasks.OutputPrefix(id, "subtitles"), default);
        var text = Assert.Single(((SubtitlesMade)await rig.DoAsync(command)).Texts);
        Assert.Empty(text.SegmentDurationsSeconds);
    }

    /// <summary>Encodes the main sound of a clip and returns its playlist.</summary>
    private async Task<string> Sound(string key)
    {
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var source = await rig.ReadAsync(key);
        var command = new EncodeAudio(id, key, source, 128_000, 2, EncodeTasks.OutputPrefix(id, "audio"), default);
        return Playlist(((RenditionEncoded)await rig.DoAsync(command)).Rendition);
    }

    private string Playlist(Rendition rendition) => rig.PathOf($"{rendition.Prefix}/media.m3u8");

    /// <summary>The root mean square around a frequency, of samples up to 32767.</summary>
    private double Loudness(string playlist, int hertz, string before = "")
    {
        var raw = rig.Clip(
            "band.raw",
            $"-i {playlist} -vn -af {before}bandpass=f={hertz}:width_type=h:w=60 -ac 1 -c:a pcm_s16le -f s16le"
        );
        var bytes = File.ReadAllBytes(rig.PathOf(raw));
        var samples = Enumerable.Range(0, bytes.Length / 2).Select(i => (double)BitConverter.ToInt16(bytes, i * 2));
        return Math.Sqrt(samples.Average(sample => sample * sample));
    }

    /// <summary>The mean of the first picture, 0 (black) to 255.</summary>
    private double Brightness(Rendition rendition)
    {
        var raw = rig.Clip("first.raw", $"-i {Playlist(rendition)} -frames:v 1 -pix_fmt gray -f rawvideo");
        return File.ReadAllBytes(rig.PathOf(raw)).Average(pixel => (double)pixel);
    }
}
