using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ladder;
using EventStream.Encode.Packaging;
using EventStream.Tests.Kit;

namespace EventStream.Integration.Tests.Encode;

/// <summary>The ladder of one clip, really encoded and packaged, and looked at by ffprobe.</summary>
public sealed class RenditionTests(RenditionTests.Ladder made) : IClassFixture<RenditionTests.Ladder>
{
    /// <summary>
    /// A clip of 4.5 s at 30000/1001 frames per second in 480p with 5.1 sound, and all that is made of it.
    /// </summary>
    public sealed class Ladder : IAsyncLifetime
    {
        private readonly VideoId id = VideoId.New(TimeProvider.System.GetUtcNow());

        public EncodeRig Rig { get; } = new();

        public SourceInfo Source { get; private set; } = null!;

        public List<Rendition> Rungs { get; } = [];

        public Rendition Audio { get; private set; } = null!;

        public Thumbnails Thumbnails { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            var key = Rig.Clip(
                "film.mp4",
                "-f lavfi -i testsrc2=size=854x480:rate=30000/1001:duration=4.5 -f lavfi -i sine=duration=4.5 "
                    + "-c:v libx264 -preset ultrafast -c:a aac -ac 6"
            );
            Source = await Rig.ReadAsync(key);
            foreach (var rung in new StandardLadder().Choose(Source))
                Rungs.Add(await Rig.EncodeAsync(key, Source, rung));
            var audio = await Rig.DoAsync(new EncodeAudio(id, key, Source, 128_000, 2, Prefix("audio"), default));
            Audio = ((RenditionEncoded)audio).Rendition;
            var thumbnails = await Rig.DoAsync(new MakeThumbnails(id, key, Source, Prefix("thumbnails"), default));
            Thumbnails = ((ThumbnailsMade)thumbnails).Thumbnails;
        }

        public Task DisposeAsync()
        {
            Rig.Dispose();
            return Task.CompletedTask;
        }

        private string Prefix(string task) => EncodeTasks.OutputPrefix(id, task);
    }

    private EncodeRig Rig => made.Rig;

    [Fact]
    public async Task The_playlist_of_key_frames_holds_one_picture_of_each_segment()
    {
        foreach (var rung in made.Rungs)
        {
            var folder = Rig.PathOf(rung.Prefix);
            var lines = await File.ReadAllLinesAsync(Path.Combine(folder, "iframes.m3u8"));
            var ranges = lines.Where(line => line.StartsWith("#EXT-X-BYTERANGE:", StringComparison.Ordinal)).ToList();
            Assert.Equal(rung.SegmentDurationsSeconds.Count, ranges.Count);
            Assert.InRange(rung.KeyFrameBandwidthBps!.Value, 1, rung.BandwidthBps);
            for (var i = 0; i < ranges.Count; i++)
            {
                var length = int.Parse(ranges[i]["#EXT-X-BYTERANGE:".Length..].Split('@')[0], null);
                var segment = await File.ReadAllBytesAsync(Path.Combine(folder, $"{i + 1}.m4s"));
                var init = await File.ReadAllBytesAsync(Path.Combine(folder, "init.mp4"));
                var picture = Path.Combine(Rig.Folder, "picture.mp4");
                await File.WriteAllBytesAsync(picture, [.. init, .. segment[..length]]);
                var frames = Rig.Probe(picture, "-show_frames -show_entries frame=pict_type,width");
                Assert.StartsWith($"{rung.Width},I", frames[0], StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void The_source_is_described()
    {
        Assert.Equal(
            (854, 480, "h264", "aac", 6),
            (
                made.Source.Width,
                made.Source.Height,
                made.Source.VideoCodec,
                made.Source.AudioCodec,
                made.Source.AudioChannels
            )
        );
        Assert.Equal(30000.0 / 1001, made.Source.FramesPerSecond, 6);
        Assert.Equal(4.5, made.Source.DurationSeconds, 1);
    }

    [Fact]
    public void Key_frames_of_all_rungs_are_at_the_same_instants()
    {
        Assert.Equal(["240p", "360p", "480p"], made.Rungs.Select(rung => rung.Name));
        var instants = made.Rungs.Select(KeyFrames).ToList();
        Assert.All(instants, times => Assert.Equal(["0.000000", "2.002000", "4.004000"], times));
        Assert.All(
            made.Rungs,
            rung => Assert.Equal(made.Rungs[0].SegmentDurationsSeconds, rung.SegmentDurationsSeconds)
        );
    }

    [Fact]
    public void Every_segment_begins_with_a_key_frame_and_can_be_decoded_with_the_init_segment_alone()
    {
        foreach (var rung in made.Rungs)
        {
            for (var i = 1; i <= rung.SegmentDurationsSeconds.Count; i++)
            {
                var alone = Path.Combine(Rig.Folder, "alone.mp4");
                File.WriteAllBytes(alone, [.. Bytes(rung, "init.mp4"), .. Bytes(rung, $"{i}.m4s")]);
                var frames = Rig.Probe(alone, "-select_streams v -show_entries frame=key_frame");
                Assert.StartsWith("1", frames[0], StringComparison.Ordinal);
                Assert.Equal(i == 3 ? 15 : 60, frames.Length);
            }
        }
    }

    [Fact]
    public void The_playlist_of_a_rung_plays_in_the_size_and_codec_that_the_record_tells()
    {
        foreach (var rung in made.Rungs)
        {
            var told = Rig.Probe(
                PathOf(rung, MediaPlaylist.FileName),
                "-select_streams v -show_entries stream=profile,width,height,level,pix_fmt"
            );
            var profile = rung.Codecs[5..7] == "4d" ? "Main" : "High";
            var level = Convert.ToInt32(rung.Codecs[9..11], 16);
            Assert.Contains($"{profile},{rung.Width},{rung.Height},yuv420p,{level}", told);
            Assert.StartsWith("avc1.", rung.Codecs, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_record_tells_the_exact_segments_that_the_packager_cut()
    {
        foreach (var rendition in made.Rungs.Append(made.Audio))
        {
            var playlist = File.ReadAllText(PathOf(rendition, MediaPlaylist.FileName));
            Assert.Equal(
                HlsPlaylist.Durations(playlist),
                rendition.SegmentDurationsSeconds.Select(d => Math.Round(d, 6))
            );
            Assert.InRange(rendition.SegmentDurationsSeconds.Sum(), 4.49, 4.54);
            // The sound's third segment would be shorter than half a second, by some samples.
            string[] segments = rendition == made.Audio ? ["1.m4s", "2.m4s"] : ["1.m4s", "2.m4s", "3.m4s"];
            Assert.Equal(segments.Length, rendition.SegmentDurationsSeconds.Count);
            var files = Directory.GetFiles(Rig.PathOf(rendition.Prefix));
            Assert.Equal(rendition.SizeBytes, files.Sum(file => new FileInfo(file).Length));
            Assert.Equal(
                rendition == made.Audio
                    ? [.. segments, "init.mp4", "media.m3u8"]
                    : [.. segments, "iframes.m3u8", "init.mp4", "media.m3u8"],
                files.Select(Path.GetFileName).Order(StringComparer.Ordinal)
            );
        }
    }

    [Fact]
    public void Bandwidths_are_those_of_the_segments()
    {
        foreach (var rung in made.Rungs)
        {
            var bits = Enumerable.Range(1, 3).Select(i => Bytes(rung, $"{i}.m4s").Length * 8L).ToList();
            Assert.Equal(bits.Sum() / rung.SegmentDurationsSeconds.Sum(), rung.AverageBandwidthBps, 1.0);
            // Runs that last between one and three seconds: the first two segments alone, and the last two together.
            var peak = new[] { bits[0] / 2.002, bits[1] / 2.002, (bits[1] + bits[2]) / (2.002 + 0.5005) }.Max();
            Assert.Equal(peak, rung.BandwidthBps, 1.0);
        }
    }

    [Fact]
    public void The_sound_is_stereo_AAC_LC_from_the_start()
    {
        Assert.Equal(("audio", "audio", "mp4a.40.2"), (made.Audio.Name, made.Audio.Kind, made.Audio.Codecs));
        var told = Rig.Probe(PathOf(made.Audio, "media.m3u8"), "-show_entries stream=profile,sample_rate,channels");
        Assert.Contains("LC,48000,2", told);
        Assert.InRange(made.Audio.AverageBandwidthBps, 20_000, 160_000);
    }

    [Fact]
    public void The_sprite_and_its_index_agree()
    {
        Assert.Equal(
            "854,480",
            Rig.Probe(Rig.PathOf(made.Thumbnails.PosterKey), "-show_entries stream=width,height")[0]
        );
        Assert.Equal(
            "800,90",
            Rig.Probe(Rig.PathOf(made.Thumbnails.SpriteKey), "-show_entries stream=width,height")[0]
        );
        var index = File.ReadAllText(Rig.PathOf(made.Thumbnails.IndexKey));
        Assert.Equal(5, index.Split("sprite.jpg#xywh=").Length - 1);
        Assert.Contains("00:00:04.000 --> 00:00:04.5", index, StringComparison.Ordinal);
    }

    private string[] KeyFrames(Rendition rung) =>
        Rig.Probe(PathOf(rung, "media.m3u8"), "-select_streams v -show_entries packet=pts_time,flags")
            .Where(line => line.Contains(",K", StringComparison.Ordinal))
            .Select(line => line.Split(',')[0])
            .ToArray();

    private byte[] Bytes(Rendition rendition, string name) => File.ReadAllBytes(PathOf(rendition, name));

    private string PathOf(Rendition rendition, string name) => Rig.PathOf($"{rendition.Prefix}/{name}");
}
