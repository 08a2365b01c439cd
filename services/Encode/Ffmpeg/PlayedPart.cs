using EventStream.Contracts;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// The part of a source that is played: from <paramref name="StartSeconds"/> after the container's zero, for
/// <paramref name="DurationSeconds"/>. Picture and sound both last so long: the one that ends first is held or silent.
/// </summary>
public sealed record PlayedPart(double StartSeconds, double DurationSeconds)
{
    /// <summary>An AAC frame: so many seconds of sound after the last picture are padding, and let go.</summary>
    private const double SoundOverhangSeconds = 0.025;

    /// <summary>The part of a measured source; null where only the container's word is known.</summary>
    public static PlayedPart? Of(SourceInfo source) =>
        source.StartSeconds is { } start ? new PlayedPart(start, source.DurationSeconds) : null;

    /// <summary>
    /// The part from the first picture or sound to the end of the later of the two, in whole frames of
    /// <paramref name="rate"/>, at least one. Times in seconds after the container's zero.
    /// </summary>
    public static PlayedPart Between(double start, double pictureEnd, double? soundEnd, FrameRate rate)
    {
        var pictures = Math.Round((pictureEnd - start) * rate.Hz, MidpointRounding.AwayFromZero);
        // A rounding error of the times must not add a picture.
        var sounds = Math.Ceiling((((soundEnd ?? start) - start - SoundOverhangSeconds) * rate.Hz) - 0.001);
        return new PlayedPart(start, Math.Round(Math.Max(1, Math.Max(pictures, sounds)) / rate.Hz, 6));
    }

    /// <summary>Its pictures at a constant rate, at least one.</summary>
    public int Frames(FrameRate rate) => Math.Max(1, (int)Math.Round(DurationSeconds * rate.Hz));

    /// <summary>Its samples of sound at <paramref name="hz"/> samples per second.</summary>
    public long Samples(int hz) => (long)Math.Round(DurationSeconds * hz);
}
