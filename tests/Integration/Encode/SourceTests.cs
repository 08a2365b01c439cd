using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Ladder;
using EventStream.Processes;

namespace EventStream.Integration.Tests.Encode;

/// <summary>Odd sources are encoded, bad ones refused in words.</summary>
public sealed class SourceTests : IDisposable
{
    private readonly EncodeRig rig = new();

    public void Dispose() => rig.Dispose();

    [Theory]
    [InlineData("empty.mp4", "", "The file is empty.")]
    [InlineData("text.txt", "This is a letter, not a film.\n", "The file is not a video that can be read")]
    [InlineData("list.m3u8", "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "The file is not a video that can be read")]
    [InlineData("concat.txt", "ffconcat version 1.0\nfile /etc/passwd\n", "The file is not a video that can be read")]
    public async Task What_is_no_video_is_refused(string name, string content, string reason)
    {
        await File.WriteAllTextAsync(rig.PathOf($"sources/{name}"), content);
        await Refused($"sources/{name}", reason);
    }

    [Fact]
    public async Task Noise_is_refused()
    {
        var noise = new byte[50_000];
        new Random(7).NextBytes(noise);
        await File.WriteAllBytesAsync(rig.PathOf("sources/noise.mp4"), noise);
        await Refused("sources/noise.mp4", "The file is not a video that can be read");
    }

    [Fact]
    public async Task Sound_alone_is_refused()
    {
        rig.Clip("song.m4a", "-f lavfi -i sine=duration=1 -c:a aac");
        await Refused("sources/song.m4a", "The file holds sound and no picture.");
    }

    [Fact]
    public async Task A_still_picture_is_refused()
    {
        rig.Clip("still.png", "-f lavfi -i testsrc2=size=320x180 -frames:v 1");
        await Refused("sources/still.png", "The file is not a video that can be read");
    }

    [Theory]
    [InlineData("-movflags faststart", "The file is cut short: it announces 4 s and ends after")]
    [InlineData("", "The file is not a video that can be read (moov atom not found).")]
    public async Task A_file_that_was_cut_is_refused_wherever_its_index_is(string flags, string reason)
    {
        var key = rig.Clip(
            "cut.mp4",
            $"-f lavfi -i testsrc2=size=320x180:rate=25:duration=4 -c:v libx264 -preset ultrafast {flags}"
        );
        var path = rig.PathOf(key);
        await using (var file = File.OpenWrite(path))
            file.SetLength(file.Length / 2);
        await Refused(key, reason);
    }

    [Fact]
    public async Task A_refused_source_is_an_event_and_no_failure()
    {
        await File.WriteAllTextAsync(rig.PathOf("sources/a.mp4"), "x");
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var rejected = Assert.IsType<SourceRejected>(await rig.DoAsync(new ProbeSource(id, "sources/a.mp4", default)));
        Assert.Contains("upload it again", rejected.Remedy, StringComparison.Ordinal);
        Assert.DoesNotContain(rig.Folder, rejected.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("portrait.mp4", "testsrc2=size=270x480:rate=25:duration=1", "-c:v libx264", 270, 480, 25)]
    [InlineData("odd.mkv", "testsrc=size=321x241:rate=25:duration=1", "-c:v libx264 -pix_fmt yuv444p", 321, 241, 25)]
    [InlineData("short.avi", "testsrc2=size=320x240:rate=24:duration=0.5", "-c:v mpeg4", 320, 240, 24)]
    [InlineData("slow.mp4", "testsrc2=size=320x240:rate=5:duration=3", "-c:v libx264", 320, 240, 5)]
    [InlineData(
        "deep.mkv",
        "testsrc2=size=320x240:rate=25:duration=1",
        "-c:v libx264 -pix_fmt " + "yuv420p10le",
        320,
        240,
        25
    )]
    [InlineData("old.mpg", "testsrc2=size=320x240:rate=25:duration=1", "-c:v mpeg2video", 320, 240, 25)]
    [InlineData("new.webm", "testsrc2=size=320x240:rate=25:duration=1", "-c:v libvpx -deadline realtime", 320, 240, 25)]
    public async Task An_odd_source_is_encoded(
        string name,
        string picture,
        string codec,
        int width,
        int height,
        double rate
    )
    {
        var key = rig.Clip(
            name,
            $"-f lavfi -i {picture} -preset ultrafast {codec}".Replace(
                codec.Contains("264", StringComparison.Ordinal) ? "\0" : "-preset ultrafast ",
                "",
                StringComparison.Ordinal
            )
        );
        var source = await rig.ReadAsync(key);
        Assert.Equal((width, height, rate), (source.Width, source.Height, source.FramesPerSecond));
        Assert.Null(source.AudioCodec);
        await Plays(key, source);
    }

    [Fact]
    public async Task A_rotated_phone_clip_is_encoded_upright()
    {
        rig.Clip("flat.mp4", "-f lavfi -i testsrc2=size=426x240:rate=25:duration=1 -c:v libx264 -preset ultrafast");
        var key = rig.Clip("phone.mp4", $"-i {rig.PathOf("sources/flat.mp4")} -c copy -metadata:s:v:0 rotate=90");
        var source = await rig.ReadAsync(key);
        Assert.Equal((240, 426), (source.Width, source.Height));
        await Plays(key, source);
    }

    [Fact]
    public async Task A_varying_frame_rate_becomes_constant()
    {
        var key = rig.Clip(
            "vary.mkv",
            "-f lavfi -i testsrc2=size=320x240:rate=30:duration=5,select='lt(t,2)+not(mod(n,3))' -fps_mode vfr "
                + "-c:v libx264 -preset ultrafast"
        );
        var source = await rig.ReadAsync(key);
        var rendition = await Plays(key, source);
        var times = rig.Probe(
                rig.PathOf($"{rendition.Prefix}/media.m3u8"),
                "-select_streams v -show_entries frame=pts_time"
            )
            .Select(line => double.Parse(line.TrimEnd(',')))
            .ToList();
        Assert.All(
            times.Zip(times.Skip(1), (a, b) => b - a),
            step => Assert.Equal(1 / source.FramesPerSecond, step, 0.001)
        );
        Assert.InRange(times[^1], 4.7, 5.1);
    }

    [Fact]
    public async Task Sound_that_begins_later_begins_with_silence()
    {
        rig.Clip("tone.m4a", "-f lavfi -i sine=duration=2 -c:a aac");
        var key = rig.Clip(
            "late.mkv",
            $"-f lavfi -i testsrc2=size=320x240:rate=25:duration=3 -itsoffset 1 -i {rig.PathOf("sources/tone.m4a")} "
                + "-c:v libx264 -preset ultrafast -c:a copy"
        );
        var id = VideoId.New(TimeProvider.System.GetUtcNow());
        var source = await rig.ReadAsync(key);
        var audio = (RenditionEncoded)
            await rig.DoAsync(new EncodeAudio(id, key, source, 64_000, 2, $"media/{id}/audio", default));
        Assert.InRange(audio.Rendition.SegmentDurationsSeconds.Sum(), 2.9, 3.1);
    }

    [Fact]
    public async Task A_program_that_hangs_is_stopped()
    {
        var runner = new ProgramRunner(new ProgramOptions { QuietMax = TimeSpan.FromSeconds(1) }, TimeProvider.System);
        var failed = await Assert.ThrowsAsync<ProgramFailedException>(() =>
            runner.RunAsync("/bin/sleep", ["60"], _ => { }, CancellationToken.None)
        );
        Assert.Null(failed.ExitCode);
        Assert.Contains("it said nothing for 1 s", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_program_tells_the_end_of_what_it_said()
    {
        var failed = await Assert.ThrowsAsync<ProgramFailedException>(() =>
            rig.Encoder()
                .RunAsync(FfmpegRecipes.Audio("/no/such/file", "/dev/null", 64_000), _ => { }, CancellationToken.None)
        );
        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("No such file or directory", failed.Message, StringComparison.Ordinal);
    }

    private async Task Refused(string key, string reason)
    {
        var refused = await Assert.ThrowsAsync<UnusableSourceException>(() => rig.ReadAsync(key));
        Assert.StartsWith(reason, refused.Reason, StringComparison.Ordinal);
        Assert.Matches("[Uu]pload", refused.Remedy);
    }

    private async Task<Rendition> Plays(string key, SourceInfo source)
    {
        var rung = new StandardLadder().Choose(source)[0];
        var rendition = await rig.EncodeAsync(key, source, rung);
        var size = rig.Probe(
            rig.PathOf($"{rendition.Prefix}/media.m3u8"),
            "-select_streams v -show_entries stream=width,height"
        );
        Assert.Contains($"{rung.Width},{rung.Height}", size);
        Assert.Equal(source.DurationSeconds, rendition.SegmentDurationsSeconds.Sum(), 0.25);
        return rendition;
    }
}
