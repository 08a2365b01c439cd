using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Ladder;

namespace EventStream.Integration.Tests.Encode;

/// <summary>
/// Files whose container says less than the truth, and files that have hardly a picture: what is announced, what is
/// encoded and what the thumbnails show agree with what plays.
/// </summary>
public sealed class OddFileTests : IDisposable
{
    private const string Picture = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    private const string Second = "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1";

    private readonly EncodeRig rig = new();
    private readonly VideoId id = VideoId.New(TimeProvider.System.GetUtcNow());

    public void Dispose() => rig.Dispose();

    [Fact]
    public async Task A_length_in_the_header_that_is_wrong_is_not_believed()
    {
        var key = rig.Clip("live.flv", $"{Second} -c:v flv");
        var bytes = await File.ReadAllBytesAsync(rig.PathOf(key));
        var at = bytes.AsSpan().IndexOf("duration"u8) + 9;
        System.Buffers.Binary.BinaryPrimitives.WriteDoubleBigEndian(bytes.AsSpan(at), 2147483.63);
        await File.WriteAllBytesAsync(rig.PathOf(key), bytes);
        await PlaysAsync(key, 1);
    }

    [Theory]
    [InlineData(40_000)]
    [InlineData(0)]
    public async Task Joined_transport_streams_last_as_long_as_their_parts(int offset)
    {
        rig.Clip("a.ts", $"{Second} {Picture}");
        rig.Clip("b.ts", $"{Second} {Picture} -output_ts_offset {offset}");
        await JoinAsync("joined.ts", "a.ts", "b.ts");
        await PlaysAsync("sources/joined.ts", 2);
    }

    [Fact]
    public async Task Joined_transport_streams_keep_their_sound_to_the_end()
    {
        const string sound = "-f lavfi -i sine=440:duration=1";
        rig.Clip("a.ts", $"{Second} {sound} {Picture} -c:a aac");
        rig.Clip("b.ts", $"{Second} {sound} {Picture} -c:a aac -output_ts_offset 40000");
        await JoinAsync("joined.ts", "a.ts", "b.ts");
        var (source, video, audio) = await PlaysAsync("sources/joined.ts", null);
        Assert.InRange(source.DurationSeconds, 2.0, 2.12);
        Assert.InRange(audio!.SegmentDurationsSeconds.Sum() - video.SegmentDurationsSeconds.Sum(), -0.03, 0.05);
    }

    [Fact]
    public async Task A_stream_that_begins_late_on_its_clock_begins_at_zero()
    {
        var key = rig.Clip("offset.mkv", $"{Second} {Picture} -output_ts_offset 100");
        await PlaysAsync(key, 1);
    }

    [Fact]
    public async Task What_begins_after_another_stream_that_is_not_played_begins_at_zero()
    {
        rig.Clip("p.mp4", $"{Second} -f lavfi -i sine=440:duration=1 {Picture} -c:a aac");
        var key = rig.Clip(
            "late.mkv",
            $"-itsoffset 5 -i {rig.PathOf("sources/p.mp4")} -f lavfi -i sine=220:duration=2 -map 0 -map 1 "
                + "-c:v copy -c:a aac"
        );
        var (source, _, _) = await PlaysAsync(key, 1);
        Assert.Equal(5, source.StartSeconds!.Value, 0.05);
    }

    [Fact]
    public async Task A_subtitle_that_lasts_longer_than_the_picture_does_not_lengthen_it()
    {
        rig.Clip("p.mp4", $"{Second} {Picture}");
        await File.WriteAllTextAsync(rig.PathOf("sources/t.srt"), "1\n00:00:00,000 --> 00:01:00,000\nHello\n");
        var key = rig.Clip(
            "titled.mkv",
            $"-i {rig.PathOf("sources/p.mp4")} -i {rig.PathOf("sources/t.srt")} -c copy -c:s srt"
        );
        await PlaysAsync(key, 1);
    }

    [Fact]
    public async Task A_clock_that_runs_for_days_is_refused()
    {
        var key = rig.Clip("days.mkv", $"{Second} -vf setpts=PTS*200000 -fps_mode passthrough {Picture}");
        var refused = await Assert.ThrowsAsync<UnusableSourceException>(() => rig.ReadAsync(key));
        Assert.StartsWith("The video lasts 53 hours by its own clock", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_picture_is_held_to_the_end_of_its_sound()
    {
        rig.Clip("p.mp4", $"-f lavfi -i testsrc2=size=160x120:rate=25 -frames:v 1 {Picture}");
        rig.Clip("t.m4a", "-f lavfi -i sine=440:duration=15 -c:a aac");
        var key = rig.Clip("held.mp4", $"-i {rig.PathOf("sources/p.mp4")} -i {rig.PathOf("sources/t.m4a")} -c copy");
        var (source, video, audio) = await PlaysAsync(key, 15);
        Assert.Equal(375, FramesOf(video));
        Assert.Equal(15, audio!.SegmentDurationsSeconds.Sum(), 0.05);
        Assert.Equal(15, SpriteSheet.For(source).Tiles);
    }

    [Fact]
    public async Task Silence_fills_a_sound_that_ends_before_its_picture()
    {
        var key = rig.Clip(
            "quiet.mp4",
            $"{Second.Replace("duration=1", "duration=5", StringComparison.Ordinal)} -f lavfi -i sine=440:duration=1 "
                + $"{Picture} -c:a aac"
        );
        var (_, _, audio) = await PlaysAsync(key, 5);
        Assert.Equal(5, audio!.SegmentDurationsSeconds.Sum(), 0.05);
    }

    [Fact]
    public async Task No_last_segment_is_too_short_for_players()
    {
        var key = rig.Clip(
            "ntsc.mp4",
            "-f lavfi -i testsrc2=size=160x120:rate=30000/1001:duration=6.006 "
                + $"-f lavfi -i sine=440:duration=6.02:r=48000 {Picture} -crf 40 -c:a aac -b:a 32k"
        );
        var (_, video, audio) = await PlaysAsync(key, 6.006);
        Assert.Equal(3, video.SegmentDurationsSeconds.Count);
        Assert.Equal(3, audio!.SegmentDurationsSeconds.Count);
        Assert.Equal(180, FramesOf(video));
    }

    [Fact]
    public async Task A_short_tail_joins_its_neighbour_and_can_be_decoded()
    {
        var key = rig.Clip(
            "tail.mp4",
            $"{Second.Replace("duration=1", "duration=4.2", StringComparison.Ordinal)} -f lavfi -i sine=duration=4.2 "
                + $"{Picture} -c:a aac"
        );
        var (_, video, audio) = await PlaysAsync(key, 4.2);
        Assert.Equal([2, 2.2], video.SegmentDurationsSeconds.Select(seconds => Math.Round(seconds, 3)));
        Assert.Equal(2, audio!.SegmentDurationsSeconds.Count);
        Assert.Equal(105, FramesOf(video));
        Assert.Equal(["1.m4s", "2.m4s", "iframes.m3u8", "init.mp4", "media.m3u8"], FilesOf(video));
    }

    [Theory]
    [InlineData("one.mp4", "-f lavfi -i testsrc2=size=160x120:rate=25 -frames:v 1", 0.04)]
    [InlineData("one-gop.ts", Second, 1.0)]
    public async Task A_file_with_hardly_a_picture_has_a_poster(string name, string picture, double seconds)
    {
        await PlaysAsync(rig.Clip(name, $"{picture} {Picture}"), seconds);
    }

    [Fact]
    public async Task A_tag_of_any_size_is_no_failure()
    {
        rig.Clip("p.mp4", $"{Second} {Picture}");
        var tags = rig.PathOf("sources/tags.txt");
        await File.WriteAllTextAsync(tags, $";FFMETADATA1\ndescription={new string('a', 600_000)}\n");
        var key = rig.Clip("tagged.mp4", $"-i {rig.PathOf("sources/p.mp4")} -i {tags} -map 0 -map_metadata 1 -c copy");
        await PlaysAsync(key, 1);
    }

    [Fact]
    public async Task A_title_of_any_size_of_a_stream_is_left_out()
    {
        var title = new string('a', 100_000);
        var key = rig.Clip(
            "titled.mkv",
            $"{Second} -f lavfi -i sine=440:duration=1 {Picture} -c:a aac -metadata:s:a title={title}"
        );
        var (source, _, _) = await PlaysAsync(key, 1);
        Assert.Null(Assert.Single(source.Sounds!).Title);
    }

    [Fact]
    public async Task Sound_alone_is_refused_in_the_same_words_whatever_its_container()
    {
        foreach (var (name, codec) in new[] { ("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.wav", "pcm_s16le") })
        {
            var key = rig.Clip(name, $"-f lavfi -i sine=440:duration=1 -c:a {codec}");
            var refused = await Assert.ThrowsAsync<UnusableSourceException>(() => rig.ReadAsync(key));
            Assert.Equal("The file holds sound and no picture.", refused.Reason);
        }
    }

    /// <summary>
    /// Reads a clip, makes its lowest rung, its sound and its thumbnails as a job does, and compares their lengths.
    /// </summary>
    private async Task<(SourceInfo Source, Rendition Video, Rendition? Audio)> PlaysAsync(string key, double? seconds)
    {
        var source = await rig.ReadAsync(key);
        if (seconds is { } expected)
            Assert.Equal(expected, source.DurationSeconds, 0.001);
        var video = await rig.EncodeAsync(key, source, new StandardLadder().Choose(source)[0]);
        Assert.Equal(source.DurationSeconds, video.SegmentDurationsSeconds.Sum(), 0.001);
        Rendition? audio = null;
        if (source.AudioCodec is not null)
        {
            var sound = new EncodeAudio(id, key, source, 64_000, 2, EncodeTasks.OutputPrefix(id, "audio"), default);
            audio = Assert.IsType<RenditionEncoded>(await rig.DoAsync(sound)).Rendition;
            Assert.Equal(source.DurationSeconds, audio.SegmentDurationsSeconds.Sum(), 0.05);
        }

        var command = new MakeThumbnails(id, key, source, EncodeTasks.OutputPrefix(id, "thumbnails"), default);
        var thumbnails = Assert.IsType<ThumbnailsMade>(await rig.DoAsync(command)).Thumbnails;
        Assert.NotEmpty(rig.Probe(rig.PathOf(thumbnails.PosterKey), "-show_entries stream=width,height"));
        var sheet = SpriteSheet.For(source);
        Assert.Contains(
            $"{sheet.Columns * sheet.TileWidth},{sheet.Rows * sheet.TileHeight}",
            rig.Probe(rig.PathOf(thumbnails.SpriteKey), "-show_entries stream=width,height")
        );
        return (source, video, audio);
    }

    private int FramesOf(Rendition video) =>
        rig.Probe(rig.PathOf($"{video.Prefix}/media.m3u8"), "-select_streams v -show_entries frame=pts_time").Length;

    private IEnumerable<string?> FilesOf(Rendition rendition) =>
        Directory.GetFiles(rig.PathOf(rendition.Prefix)).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private async Task JoinAsync(string name, params string[] parts)
    {
        await using var joined = File.Create(rig.PathOf($"sources/{name}"));
        foreach (var part in parts)
            await joined.WriteAsync(await File.ReadAllBytesAsync(rig.PathOf($"sources/{part}")));
    }
}
