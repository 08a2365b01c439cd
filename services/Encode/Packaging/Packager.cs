using EventStream.Processes;

namespace EventStream.Encode.Packaging;

/// <summary>A rendition on disk: its initialization segment, segments and playlist, in one folder.</summary>
public sealed record PackagedTrack(string Folder, string Codecs, SegmentList Segments)
{
    /// <summary>Names of the files, the playlist last: it is what makes the rest reachable.</summary>
    public IEnumerable<string> FileNames =>
        Enumerable
            .Range(1, Segments.Segments.Count)
            .Select(MediaPlaylist.SegmentName)
            .Prepend(MediaPlaylist.InitName)
            .Concat(KeyFramePlaylist.Has(Segments) ? [KeyFramePlaylist.FileName] : [])
            .Append(MediaPlaylist.FileName);
}

/// <summary>
/// Cuts an encoded track into CMAF segments (ISO/IEC 23000-19) with shaka-packager and measures what came out. HLS
/// and DASH use the same files.
/// </summary>
public sealed class Packager(string program, ProgramRunner runner)
{
    /// <summary>
    /// A last segment that is shorter, in seconds, joins the one before it: players wait for the end of a segment of
    /// one frame and never reach it.
    /// </summary>
    public const double TailMin = 0.5;

    /// <summary>
    /// Packages the video or audio of <paramref name="track"/> into <paramref name="folder"/>. A segment ends at the
    /// first key frame at or after each multiple of <paramref name="segmentSeconds"/>, the last one at the end.
    /// </summary>
    public async Task<PackagedTrack> PackageAsync(
        string track,
        string stream,
        string folder,
        double segmentSeconds,
        CancellationToken cancellation
    )
    {
        Directory.CreateDirectory(folder);
        await runner.RunAsync(program, Arguments(track, stream, folder, segmentSeconds), _ => { }, cancellation);
        var codecs = Mp4.Codecs(
            await File.ReadAllBytesAsync(Path.Combine(folder, MediaPlaylist.InitName), cancellation)
        );
        var segments = new List<Segment>();
        for (var path = SegmentPath(folder, 1); File.Exists(path); path = SegmentPath(folder, segments.Count + 1))
            segments.Add(await MeasureAsync(path, stream, cancellation));
        if (segments.Count == 0)
            throw new Mp4Exception($"The packager made no {stream} segment.");
        // Where segments themselves are so short, only what is shorter than half of one is a tail.
        while (segments.Count > 1 && segments[^1].DurationSeconds < Math.Min(TailMin, segmentSeconds / 2))
            await JoinLastAsync(folder, stream, segments, cancellation);
        var list = new SegmentList(segments);
        if (KeyFramePlaylist.Has(list))
            await File.WriteAllTextAsync(
                Path.Combine(folder, KeyFramePlaylist.FileName),
                KeyFramePlaylist.Write(list),
                cancellation
            );
        await File.WriteAllTextAsync(
            Path.Combine(folder, MediaPlaylist.FileName),
            MediaPlaylist.Write(list),
            cancellation
        );
        return new PackagedTrack(folder, codecs, list);
    }

    /// <summary>The arguments of shaka-packager.</summary>
    public static IReadOnlyList<string> Arguments(string track, string stream, string folder, double segmentSeconds) =>
        [
            $"in={track},stream={stream},init_segment={folder}/{MediaPlaylist.InitName},"
                + $"segment_template={folder}/$Number$.m4s",
            "--segment_duration",
            $"{segmentSeconds:0.######}",
            "--quiet",
        ];

    private static string SegmentPath(string folder, int number) =>
        Path.Combine(folder, MediaPlaylist.SegmentName(number));

    private static async Task JoinLastAsync(
        string folder,
        string stream,
        List<Segment> segments,
        CancellationToken cancellation
    )
    {
        var (path, tail) = (SegmentPath(folder, segments.Count - 1), SegmentPath(folder, segments.Count));
        var joined = SegmentJoin.Join(
            await File.ReadAllBytesAsync(path, cancellation),
            await File.ReadAllBytesAsync(tail, cancellation)
        );
        await File.WriteAllBytesAsync(path, joined, cancellation);
        File.Delete(tail);
        segments.RemoveAt(segments.Count - 1);
        segments[^1] = await MeasureAsync(path, stream, cancellation);
    }

    private static async Task<Segment> MeasureAsync(string path, string stream, CancellationToken cancellation)
    {
        var bytes = await File.ReadAllBytesAsync(path, cancellation);
        var (start, duration) = Mp4.SegmentTime(bytes);
        var keyFrame = stream == "video" ? Mp4.FirstSampleEnd(bytes) : 0;
        return new Segment(start, duration, bytes.LongLength, keyFrame);
    }
}
