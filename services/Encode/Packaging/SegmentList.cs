namespace EventStream.Encode.Packaging;

/// <summary>
/// One media segment: start and length in seconds, size in bytes, and how many of them, from its begin on, show its
/// first frame (0 where that was not asked for).
/// </summary>
public sealed record Segment(double StartSeconds, double DurationSeconds, long SizeBytes, long KeyFrameBytes = 0);

/// <summary>The segments of a rendition in order, and what players want to know of them.</summary>
public sealed record SegmentList(IReadOnlyList<Segment> Segments)
{
    /// <summary>Sum of the lengths, in seconds.</summary>
    public double DurationSeconds => Segments.Sum(segment => segment.DurationSeconds);

    /// <summary>EXT-X-TARGETDURATION: the longest segment, rounded to whole seconds, at least one.</summary>
    public int TargetSeconds =>
        Math.Max(1, (int)Math.Round(Segments.Max(segment => segment.DurationSeconds), MidpointRounding.AwayFromZero));

    /// <summary>AVERAGE-BANDWIDTH in bits per second: all bytes over the whole length.</summary>
    public int AverageBps => Rate(Segments.Sum(segment => segment.SizeBytes), DurationSeconds);

    /// <summary>
    /// BANDWIDTH in bits per second, as draft-pantos-hls-rfc8216bis defines the peak: the largest rate of any run of
    /// neighbouring segments that lasts between half and one and a half target durations.
    /// </summary>
    public int PeakBps
    {
        get
        {
            var peak = AverageBps;
            for (var first = 0; first < Segments.Count; first++)
            {
                var (seconds, bytes) = (0.0, 0L);
                for (var last = first; last < Segments.Count; last++)
                {
                    seconds += Segments[last].DurationSeconds;
                    bytes += Segments[last].SizeBytes;
                    if (seconds > TargetSeconds * 1.5)
                        break;
                    if (seconds >= TargetSeconds * 0.5)
                        peak = Math.Max(peak, Rate(bytes, seconds));
                }
            }

            return peak;
        }
    }

    /// <summary>BANDWIDTH of the key frames alone, in bits per second; null where they are not known.</summary>
    public int? KeyFramePeakBps =>
        KeyFramePlaylist.Has(this) ? Segments.Max(one => Rate(one.KeyFrameBytes, one.DurationSeconds)) : null;

    private static int Rate(long bytes, double seconds) =>
        seconds <= 0 ? 0 : (int)Math.Min(int.MaxValue, Math.Ceiling(bytes * 8 / seconds));
}
