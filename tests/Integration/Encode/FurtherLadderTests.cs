using EventStream.Contracts;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Ladder;
using EventStream.Hosting;
using EventStream.Upload;

namespace EventStream.Integration.Tests.Encode;

/// <summary>Ladders in HEVC, AV1 and VP9, made by the real encoders and decoded again.</summary>
public sealed class FurtherLadderTests : IAsyncLifetime
{
    private const int Frames = 75;
    private const double Seconds = 3;
    private readonly VideoId id = VideoId.New(TimeProvider.System.GetUtcNow());
    private EncodeStage stage = null!;

    public async Task InitializeAsync() => stage = await EncodeStage.StartAsync();

    public async Task DisposeAsync() => await stage.DisposeAsync();

    [Fact]
    public async Task They_follow_the_publication_and_show_every_picture_of_the_source()
    {
        stage.Settings["Encode:Ladders"] = "h264,hevc,av1,vp9";
        var key = stage.Rig.Clip(
            "film.mp4",
            $"-f lavfi -i testsrc2=size=320x240:rate=25:duration={Seconds} -f lavfi -i sine=duration={Seconds} "
                + "-c:v libx264 -preset ultrafast -crf 10 -c:a aac"
        );
        var planner = await stage.PlannerAsync();
        await stage.WorkerAsync("w1");
        var uploaded = new VideoUploaded(id, key, 1000, "00", TimeProvider.System.GetUtcNow());
        await EncodeStage.PublishAsync(planner, Topics.VideoEvents, id, uploaded);
        await Until.TrueAsync(() => stage.Of<EncodeCompleted>().Any(), "the end of the job", 240);

        Assert.Equal(
            ["240p", "av1", "hevc", "thumbnails", "vp9"],
            Assert.Single(stage.Of<EncodePlanned>()).Tasks.Order()
        );
        var made = stage.Of<RenditionEncoded>().SelectMany(e => e.All()).DistinctBy(one => one.Name).ToList();
        Assert.Equal(
            [
                ("240p", "avc1.42c00d"),
                ("240p-av1", "av01.0.00M.08"),
                ("240p-hevc", "hvc1.1.6.L60.90"),
                ("240p-vp9", "vp09.00.20.08"),
                ("audio", "mp4a.40.2"),
                ("audio-opus", "opus"),
            ],
            made.Select(one => (one.Name, one.Codecs)).OrderBy(one => one.Name, StringComparer.Ordinal)
        );
        foreach (var one in made)
        {
            var seen = stage.Rig.Probe(
                stage.Rig.PathOf($"{one.Prefix}/media.m3u8"),
                "-count_frames -show_entries stream=nb_read_frames"
            );
            // ffprobe prints a stream of a playlist by itself and once more in its program.
            if (one.Kind == Rendition.Video)
                Assert.Equal([$"{Frames}"], seen.Distinct());
            Assert.Equal(Seconds, one.SegmentDurationsSeconds.Sum(), 0.05);
            Assert.Equal(2, one.SegmentDurationsSeconds[0], 0.05);
        }

        var measured = Assert.Single(stage.Of<QualityMeasured>()).Qualities;
        Assert.Equal(["240p", "240p-av1", "240p-hevc", "240p-vp9"], measured.Select(quality => quality.Name));
        Assert.All(measured, quality => Assert.InRange(quality.Ssim, 0.9, 1));
        AssertPublishedFirst();
    }

    [Theory]
    [InlineData("Encode:Ladders", "h264,av1", "Encode:Ladders asks for av1, whose encoder libsvtav1 ")]
    [InlineData("Encode:Ladders", "h264,vp9", "Encode:Ladders asks for vp9, whose encoder libopus ")]
    [InlineData("Encode:HighRange", "true", "Encode:HighRange asks for hevc, whose encoder libx265 ")]
    public async Task An_ffmpeg_without_the_encoder_is_named_at_the_start(string setting, string value, string what)
    {
        stage.Settings[setting] = value;
        var poor = Path.Combine(stage.Rig.Folder, "poor-ffmpeg");
        stage.Rig.Script(poor, "echo ' V....D libx264 H.264'\necho ' V....D libvpx-vp9 VP9'");
        var error = await Assert.ThrowsAsync<RoleConfigurationException>(() => stage.WorkerAsync("w1", poor));
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_libraries_of_the_encoders_are_known_by_their_versions()
    {
        var files = await EncoderCheck.LibrariesAsync(EncodeRig.Ffmpeg, stage.Rig.Runner, CancellationToken.None);
        Assert.Contains(files, file => file.StartsWith("libx264.so.", StringComparison.Ordinal));
        Assert.Empty(await EncoderCheck.LibrariesAsync("/bin/sh", stage.Rig.Runner, CancellationToken.None));
    }

    [Fact]
    public async Task The_same_ladder_of_the_same_file_is_copied()
    {
        var key = stage.Rig.Clip(
            "film.mp4",
            "-f lavfi -i testsrc2=size=160x120:rate=25:duration=1 -f lavfi -i sine=duration=1 -c:v libx264 -c:a aac"
        );
        var source = await stage.Rig.ReadAsync(key) with { Sha256 = new string('7', 64) };
        var rungs = CodecLadder.Of(PictureCodec.Vp9, new StandardLadder().Choose(source));
        EncodeLadder Command(VideoId video) => new(video, key, source, PictureCodec.Vp9, rungs, 2, default, 1, 96_000);
        var first = (RenditionEncoded)await stage.Rig.DoAsync(Command(id));
        File.Delete(stage.Rig.PathOf(key));
        var other = VideoId.New(TimeProvider.System.GetUtcNow());
        var second = (RenditionEncoded)await stage.Rig.DoAsync(Command(other));
        Assert.Equal("vp9", second.TaskName());
        Assert.Equal(["audio-opus", "120p-vp9"], second.All().Select(one => one.Name));
        foreach (var (one, copy) in first.All().Zip(second.All()))
        {
            Assert.Equal($"media/{other}/{one.Name}", copy.Prefix);
            Assert.Equal(
                await File.ReadAllBytesAsync(stage.Rig.PathOf($"{one.Prefix}/1.m4s")),
                await File.ReadAllBytesAsync(stage.Rig.PathOf($"{copy.Prefix}/1.m4s"))
            );
        }
    }

    /// <summary>The reports, in their order, as the video decides on them.</summary>
    private void AssertPublishedFirst()
    {
        var now = TimeProvider.System.GetUtcNow();
        var (video, events) = (new Video(), new List<IEvent>());
        void Decide(Func<Video, IEnumerable<IEvent>> decide)
        {
            foreach (var e in decide(video).ToList())
            {
                video = video.Fold(e);
                events.Add(e);
            }
        }

        Decide(v => v.Register(id, "press", "Film", "film.mp4", 1000, now));
        Decide(v => v.CompleteUpload("sources/film.mp4", 1000, "00", now));
        foreach (var (_, message) in stage.Records)
        {
            Decide(v =>
                message switch
                {
                    SourceProbed e => v.RecordProbe(e.Source, now),
                    EncodePlanned e => v.RecordPlan(e.Ladder, e.SegmentSeconds, now),
                    RenditionEncoded e => v.RecordRenditions(e.All(), now),
                    ThumbnailsMade e => v.RecordThumbnails(e.Thumbnails, now),
                    _ => [],
                }
            );
        }

        var published = events.FindIndex(e => e is VideoPublished);
        Assert.True(published > 0, "the video is published");
        var further = events
            .Index()
            .Where(at => at.Item is VideoRenditionEncoded e && PictureCodec.IsFurther(e.Rendition))
            .ToList();
        Assert.Equal(4, further.Count);
        Assert.All(further, at => Assert.True(at.Index > published));
    }
}
