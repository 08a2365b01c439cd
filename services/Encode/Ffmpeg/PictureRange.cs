using EventStream.Contracts;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// Pictures of a source at the rate of the encode: <paramref name="Count"/> from number <paramref name="First"/> on,
/// which counts from 0. ffmpeg reads from the last key frame before <paramref name="SeekSeconds"/> after the
/// container's zero, whole seconds so that no time is rounded.
/// </summary>
public sealed record PictureRange(int First, int Count, int SeekSeconds)
{
    /// <summary>Read so much earlier than a key frame must come, in seconds: some pictures are shown late.</summary>
    private const double LeadSeconds = 1;

    /// <summary>The pictures of a chunk of a measured source.</summary>
    public static PictureRange Of(RungChunk chunk, SourceInfo source, FrameRate rate, double segmentSeconds)
    {
        var gop = rate.FramesPerGop(segmentSeconds);
        var part = PlayedPart.Of(source)!;
        var first = (chunk.FirstSegment - 1) * gop;
        var seek = part.StartSeconds + (first / rate.Hz) - (source.KeyFrameSeconds ?? 0) - LeadSeconds;
        return new PictureRange(
            first,
            chunk.Segments is { } segments ? segments * gop : part.Frames(rate) - first,
            first == 0 ? 0 : (int)Math.Max(0, Math.Floor(seek))
        );
    }
}
