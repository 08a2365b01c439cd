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
    public async Task Chunks_have_the_pictures_and_times_of_the_whole(string name, string clip)
    {
        var key = rig.Clip(name, clip);
        var source = await rig.ReadAsync(key);
        Assert.NotNull(source.KeyFrameSeconds);
        var whole = await WholeAsync(key, source);
        var joined = await ChunkedAsync(key, source, chunks => chunks.Reverse());

        Assert.Equal(
            whole with { SegmentDurationsSeconds = [], Prefix = "", SizeBytes = 0, BandwidthBps = 0, AverageBandwidthBps = 0 },
            joined with { SegmentDurationsSeconds = [], Prefix = "", SizeBytes = 0, BandwidthBps = 0, AverageBandwidthBps = 0 }
        );
        Assert.Equal(whole.SegmentDurationsSeconds, joined.SegmentDurationsSeconds);
        Assert.Equal(Init(whole), Init(joined));
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
