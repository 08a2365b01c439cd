using System.Globalization;
using System.Security.Cryptography;
using EventStream.Contracts;
using EventStream.Encode;
using EventStream.Encode.Ffmpeg;
using EventStream.Encode.Ladder;
using EventStream.Encode.Packaging;

namespace EventStream.Integration.Tests.Encode;

/// <summary>Chunks, really encoded and joined, beside the same source encoded whole.</summary>
public sealed class ChunkTests : IDisposable
{
    private const double SegmentSeconds = 1;
    private const int ChunkSegments = 3;

    /// <summary>So many bits that a picture differs less from its encode than from its neighbour.</summary>
    private static readonly Rung Fine = new("180p", 320, 180, 6_000_000);

    private readonly EncodeRig rig = new();
    private readonly VideoId id = VideoId.New(TimeProvider.System.GetUtcNow());

    public void Dispose() => rig.Dispose();

    [Theory]
    [InlineData(
        "open.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=30000/1001:duration=10.4 -c:v libx264 -preset veryfast -bf 3 -g 40 "
            + "-x264-params open-gop=1:b-pyramid=2"
    )]
    [InlineData(
        "late.mkv",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=10.4 -f lavfi -i sine=duration=9 "
            + "-c:v libx264 -preset veryfast -g 30 -c:a aac -output_ts_offset 7.3"
    )]
    [InlineData(
        "varying.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=60:duration=10.4 -vf select=lt(mod(n\\,50)\\,7)+not(mod(n\\,9)) "
            + "-fps_mode vfr -c:v libx264 -preset veryfast -bf 2 -g 12 -video_track_timescale 90000"
    )]
    [InlineData(
        "fields.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=50:duration=10.4 -vf tinterlace=interleave_top,setfield=tff "
            + "-c:v libx264 -preset veryfast -flags +ilme+ildct -g 25"
    )]
    [InlineData(
        "held.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=5 -f lavfi -i sine=duration=10.4 "
            + "-c:v libx264 -preset veryfast -g 25 -c:a aac"
    )]
    public async Task Chunks_have_the_pictures_and_times_of_the_whole(string name, string clip)
    {
        var key = rig.Clip(name, clip);
        var source = await rig.ReadAsync(key);
        Assert.NotNull(source.KeyFrameSeconds);
        var whole = await WholeAsync(key, source);
        var joined = await ChunkedAsync(key, source, chunks => chunks.Reverse());

        Assert.Equal(
            whole with
            {
                SegmentDurationsSeconds = [],
                Prefix = "",
                SizeBytes = 0,
                BandwidthBps = 0,
                AverageBandwidthBps = 0,
                KeyFrameBandwidthBps = 1,
            },
            joined with
            {
                SegmentDurationsSeconds = [],
                Prefix = "",
                SizeBytes = 0,
                BandwidthBps = 0,
                AverageBandwidthBps = 0,
                KeyFrameBandwidthBps = joined.KeyFrameBandwidthBps > 0 ? 1 : 0,
            }
        );
        Assert.Equal(whole.SegmentDurationsSeconds, joined.SegmentDurationsSeconds);
        Assert.Equal(Init(whole), Init(joined));
        var keyFrames = await File.ReadAllLinesAsync(rig.PathOf($"{joined.Prefix}/{KeyFramePlaylist.FileName}"));
        Assert.Equal(whole.SegmentDurationsSeconds.Count, keyFrames.Count(line => line.StartsWith("#EXT-X-BYTE")));
        var (one, other) = (Film(whole, "whole.mp4"), Film(joined, "joined.mp4"));
        const string packets = "-select_streams v -show_entries packet=pts,dts,duration";
        Assert.Equal(rig.Probe(one, packets), rig.Probe(other, packets));
        var (least, leastOfOthers) = (Ssim(one, other).Min(), Ssim(one, other, shift: 1).Min());
        Assert.True(least > 0.95, $"a picture is another one: {least}");
        // Were one picture repeated or missed, those after it would look like this.
        Assert.True(leastOfOthers < least - 0.01, $"pictures cannot be told apart: {leastOfOthers}");
    }

    [Fact]
    public async Task A_chunk_that_is_done_again_writes_the_same_bytes()
    {
        var key = rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=320x180:rate=25:duration=7 -c:v libx264 -g 25");
        var source = await rig.ReadAsync(key);
        var joined = await ChunkedAsync(key, source, chunks => chunks);
        var before = Contents(joined);
        var again = await ChunkedAsync(key, source, chunks => chunks.Concat(chunks).Reverse());
        Assert.Equal(before, Contents(again));
        Assert.Equivalent(joined, again);
        Assert.Contains("#EXT-X-ENDLIST", await File.ReadAllTextAsync(rig.PathOf($"{joined.Prefix}/media.m3u8")));
    }

    [Fact]
    public async Task A_segment_that_is_missing_is_named_and_nothing_is_joined()
    {
        var key = rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=320x180:rate=25:duration=7 -c:v libx264 -g 25");
        var source = await rig.ReadAsync(key);
        var joined = await ChunkedAsync(key, source, chunks => chunks);
        File.Delete(rig.PathOf($"{joined.Prefix}/5.m4s"));
        var failed = await Assert.ThrowsAsync<EventStream.Media.MediaNotFoundException>(() => rig.DoAsync(Join(2)));
        Assert.EndsWith("/5.m4s", failed.Key, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_rungs_are_one_chunk_and_a_transport_stream_is_none()
    {
        const string clip = "-f lavfi -i testsrc2=size=854x480:rate=25:duration=7 -c:v libx264 -preset ultrafast -g 25";
        var key = rig.Clip("film.mp4", clip);
        var source = await rig.ReadAsync(key);
        Assert.Equal(1, source.KeyFrameSeconds!.Value, 2);
        Assert.Null((await rig.ReadAsync(rig.Clip("film.ts", clip))).KeyFrameSeconds);
        var rungs = new StandardLadder().Choose(source);
        foreach (var chunk in ChunkRules.Of(source, SegmentSeconds, ChunkSegments))
        {
            var made = (ChunkEncoded)
                await rig.DoAsync(Command(key, source, chunk) with { Rung = rungs[0], Also = [.. rungs.Skip(1)] });
            Assert.Equal(rungs.Select(rung => rung.Name), made.Parts.Select(part => part.Name));
        }

        var whole = (RenditionEncoded)await rig.DoAsync(Join(2) with { Rungs = rungs });
        Assert.All(whole.All(), rung => Assert.Equal(7, rung.SegmentDurationsSeconds.Sum(), 3));
        Assert.Equal("180p", whole.TaskName());
    }

    [Fact]
    public async Task Sound_and_picture_stay_together_over_every_seam_to_the_end()
    {
        // A frame is white, and a tone sounds, at the begin of each second; chunks begin at the third, sixth and ninth.
        const string each = "lt(mod(t\\,1)\\,0.08)";
        var key = rig.Clip(
            "flashes.mp4",
            $"-f lavfi -i color=black:size=320x180:rate=25:duration=13,geq=lum=255*lt(mod(N\\,25)\\,2):cb=128:cr=128 "
                + $"-f lavfi -i aevalsrc=sin(2*PI*1000*t)*{each}:sample_rate=48000:duration=13 "
                + "-c:v libx264 -preset veryfast -g 30 -bf 2 -c:a aac -b:a 192k"
        );
        var source = await rig.ReadAsync(key);
        var joined = await ChunkedAsync(key, source, chunks => chunks);
        var prefix = EncodeTasks.OutputPrefix(id, "audio");
        var sound = (
            (RenditionEncoded)
                await rig.DoAsync(new EncodeAudio(id, key, source, 192_000, SegmentSeconds, prefix, default))
        ).Rendition;
        var flashes = Times(
            Film(joined, "picture.mp4"),
            "-vf signalstats,metadata=mode=print:key=lavfi.signalstats.YAVG:file=",
            "YAVG",
            light => light > 128
        );
        var tones = Times(
            Film(sound, "sound.mp4"),
            "-af asetnsamples=240,astats=metadata=1:reset=1,ametadata=mode=print:key=lavfi.astats.Overall.RMS_level:file=",
            "RMS_level",
            level => level > -20
        );
        Assert.Equal(13, flashes.Count);
        Assert.Equal(13, tones.Count);
        Assert.All(flashes.Zip(tones), both => Assert.Equal(both.First, both.Second, 0.04));
        Assert.Equal(joined.SegmentDurationsSeconds.Sum(), sound.SegmentDurationsSeconds.Sum(), 0.04);
    }

    [Fact]
    public async Task The_sound_of_a_film_in_chunks_is_that_of_the_whole()
    {
        var key = rig.Clip(
            "film.mp4",
            "-f lavfi -i testsrc2=size=320x180:rate=25:duration=7 -f lavfi -i sine=220:duration=7 "
                + "-c:v libx264 -g 25 -c:a aac"
        );
        var source = await rig.ReadAsync(key);
        var prefix = EncodeTasks.OutputPrefix(id, "audio");
        var alone = (RenditionEncoded)
            await rig.DoAsync(new EncodeAudio(id, key, source, 128_000, SegmentSeconds, prefix, default));
        var other = VideoId.New(TimeProvider.System.GetUtcNow());
        var command = new EncodeRung(other, key, source, Fine, SegmentSeconds, $"media/{other}/180p", default);
        var whole = (RenditionEncoded)await rig.DoAsync(command with { AudioBitrateBps = 128_000 });
        var sound = whole.All().Single(made => made.Kind == Rendition.Audio);
        Assert.Equal(sound.SegmentDurationsSeconds, alone.Rendition.SegmentDurationsSeconds);
        string Samples(Rendition made) =>
            Path.GetFileName(
                rig.Clip(
                    $"{made.Prefix.Split('/')[1]}.md5",
                    $"-i {Film(made, $"{made.Prefix.Split('/')[1]}.mp4")} -f md5"
                )
            );
        Assert.Equal(
            await File.ReadAllTextAsync(rig.PathOf($"sources/{Samples(sound)}")),
            await File.ReadAllTextAsync(rig.PathOf($"sources/{Samples(alone.Rendition)}"))
        );
    }

    [Fact]
    public async Task The_chunks_of_the_same_file_are_copied_and_joined()
    {
        var key = rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=320x180:rate=25:duration=7 -c:v libx264 -g 25");
        var source = await rig.ReadAsync(key) with { Sha256 = new string('a', 64) };
        var before = Contents(await ChunkedAsync(key, source, chunks => chunks));
        File.Delete(rig.PathOf(key));
        var two = VideoId.New(TimeProvider.System.GetUtcNow());
        foreach (var chunk in ChunkRules.Of(source, SegmentSeconds, ChunkSegments))
        {
            var made = (ChunkEncoded)
                await rig.DoAsync(Command(key, source, chunk) with { VideoId = two, IsFirst = true });
            Assert.Equal((two, true, chunk.Number), (made.VideoId, made.IsFirst, made.Number));
            Assert.Equal($"media/{two}/180p", made.Parts.Single().Prefix);
        }

        var joined = ((RenditionEncoded)await rig.DoAsync(Join(2) with { VideoId = two })).Rendition;
        Assert.Equal($"media/{two}/180p", joined.Prefix);
        Assert.Equal(before, Contents(joined));
    }

    [Fact]
    public async Task A_joined_film_is_measured_in_excerpts()
    {
        var key = rig.Clip("film.mp4", "-f lavfi -i testsrc2=size=320x180:rate=25:duration=16 -c:v libx264 -g 25");
        var source = await rig.ReadAsync(key);
        await ChunkedAsync(key, source, chunks => chunks);
        var measured = (QualityMeasured)
            await rig.DoAsync(new MeasureQuality(id, key, source, [Fine], SegmentSeconds, default));
        var quality = measured.Qualities.Single();
        // Each fifth frame.
        Assert.Equal((12 * 25 / 5, 12), (quality.Frames, quality.MeasuredSeconds));
        Assert.True(quality.Ssim > 0.98, $"other pictures were compared: {quality.Ssim}");
    }

    /// <summary>The times in seconds at which a value of a film, printed for each frame, rises above a bound.</summary>
    private List<double> Times(string film, string filter, string name, Func<double, bool> isHigh)
    {
        var log = rig.PathOf($"{name}.log");
        rig.Clip("none", $"-i {film} {filter}{log} -f null");
        var (time, wasHigh, times) = (0.0, false, new List<double>());
        foreach (var line in File.ReadLines(log))
        {
            if (line.IndexOf("pts_time:", StringComparison.Ordinal) is >= 0 and var at)
                time = double.Parse(line.AsSpan(at + 9), CultureInfo.InvariantCulture);
            else if (double.TryParse(line.Split('=')[^1], CultureInfo.InvariantCulture, out var value))
            {
                if (isHigh(value) && !wasHigh)
                    times.Add(time);
                wasHigh = isHigh(value);
            }
        }

        return times;
    }

    /// <summary>The whole source as one rung, by the task that long sources do not take.</summary>
    private async Task<Rendition> WholeAsync(string key, SourceInfo source)
    {
        var other = VideoId.New(TimeProvider.System.GetUtcNow());
        var prefix = EncodeTasks.OutputPrefix(other, Fine.Name);
        var command = new EncodeRung(other, key, source, Fine, SegmentSeconds, prefix, default);
        return ((RenditionEncoded)await rig.DoAsync(command)).Rendition;
    }

    private async Task<Rendition> ChunkedAsync(
        string key,
        SourceInfo source,
        Func<IEnumerable<RungChunk>, IEnumerable<RungChunk>> order
    )
    {
        var chunks = ChunkRules.Of(source, SegmentSeconds, ChunkSegments);
        Assert.True(chunks.Count > 1, "the source is cut");
        foreach (var chunk in order(chunks))
            await rig.DoAsync(Command(key, source, chunk));
        return ((RenditionEncoded)await rig.DoAsync(Join(chunks.Count))).Rendition;
    }

    private EncodeRung Command(string key, SourceInfo source, RungChunk chunk) =>
        new(
            id,
            key,
            source,
            Fine,
            SegmentSeconds,
            EncodeTasks.OutputPrefix(id, Fine.Name),
            default,
            Task: EncodeTasks.ChunkAt(Fine.Name, chunk.Number),
            Chunk: chunk
        );

    private JoinChunks Join(int chunks) => new(id, [Fine], chunks, Fine.Name, default);

    /// <summary>The initialization segment, without the time of packaging.</summary>
    private string Init(Rendition rendition)
    {
        var init = File.ReadAllBytes(rig.PathOf($"{rendition.Prefix}/{MediaPlaylist.InitName}"));
        ChunkTimes.Unify(
            init,
            (int)Math.Round(rendition.SegmentDurationsSeconds.Sum() * rendition.FramesPerSecond),
            FrameRate.FromHz(rendition.FramesPerSecond)
        );
        return Convert.ToHexString(init);
    }

    /// <summary>The initialization segment and all segments, one after the other, as a player appends them.</summary>
    private string Film(Rendition rendition, string name)
    {
        var path = rig.PathOf(name);
        using var film = File.Create(path);
        var segments = Enumerable.Range(1, rendition.SegmentDurationsSeconds.Count).Select(MediaPlaylist.SegmentName);
        foreach (var file in segments.Prepend(MediaPlaylist.InitName))
            film.Write(File.ReadAllBytes(rig.PathOf($"{rendition.Prefix}/{file}")));
        return path;
    }

    /// <summary>How alike the pictures of two films are, each in 0..1; the second begins some pictures later.</summary>
    private List<double> Ssim(string one, string other, int shift = 0)
    {
        var log = rig.PathOf($"ssim-{shift}.log");
        var late = $"[1:v]trim=start_frame={shift},setpts=PTS-STARTPTS[b];[0:v]setpts=PTS-STARTPTS[a];";
        rig.Clip("none", $"-i {one} -i {other} -lavfi {late}[a][b]ssim=stats_file={log}:shortest=1 -f null");
        return
        [
            .. from line in File.ReadLines(log)
            let at = line.IndexOf("All:", StringComparison.Ordinal) + 4
            select double.Parse(line.AsSpan(at, 8), CultureInfo.InvariantCulture),
        ];
    }

    private Dictionary<string, string> Contents(Rendition rendition) =>
        Directory
            .GetFiles(rig.PathOf(rendition.Prefix))
            .ToDictionary(
                file => Path.GetFileName(file),
                file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))
            );
}
