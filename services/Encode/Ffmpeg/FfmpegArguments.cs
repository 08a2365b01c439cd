using System.Globalization;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// One option of ffmpeg as a value: it knows the words that stand for it on the command line, and nothing else.
/// </summary>
public interface IFfmpegArgument
{
    /// <summary>The words, in order; each becomes one argument of the process, so nothing is ever quoted.</summary>
    IReadOnlyList<string> Words { get; }
}

/// <summary>A switch or option by its own words, for those that carry no value of ours.</summary>
public sealed record Flag(params string[] Parts) : IFfmpegArgument
{
    public IReadOnlyList<string> Words => Parts;
}

/// <summary>
/// The source, read only as a plain file in one of the containers we accept. A playlist or a concat script could
/// otherwise make ffmpeg read other files of this machine, or fetch from the network, and a text file would pass as
/// an ANSI animation.
/// </summary>
public sealed record SourceFile(string Path) : IFfmpegArgument
{
    /// <summary>ffmpeg's names of the accepted containers.</summary>
    public const string Containers = "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf";

    /// <summary>What makes a source safe to open, for ffmpeg and ffprobe alike.</summary>
    public static readonly IReadOnlyList<string> Guard =
        ["-protocol_whitelist", "file", "-format_whitelist", Containers];

    public IReadOnlyList<string> Words => [.. Guard, "-i", $"file:{Path}"];
}

/// <summary>Threads of the decoder or encoder that follows; 0 lets ffmpeg take one for each core.</summary>
public sealed record Threads(int Count) : IFfmpegArgument
{
    public IReadOnlyList<string> Words => ["-threads", Count.ToString(CultureInfo.InvariantCulture)];
}

/// <summary>Starts reading at <paramref name="Seconds"/> of the source.</summary>
public sealed record SeekTo(double Seconds) : IFfmpegArgument
{
    public IReadOnlyList<string> Words => ["-ss", Seconds.ToString("0.###", CultureInfo.InvariantCulture)];
}

/// <summary>Takes one stream. <c>0:V:0</c> is the first video that is not a cover picture.</summary>
public sealed record Map(string Stream) : IFfmpegArgument
{
    public IReadOnlyList<string> Words => ["-map", Stream];
}

/// <summary>A chain of video filters.</summary>
public sealed record VideoFilters(params string[] Chain) : IFfmpegArgument
{
    public IReadOnlyList<string> Words => ["-vf", string.Join(',', Chain)];
}

/// <summary>A chain of audio filters.</summary>
public sealed record AudioFilters(params string[] Chain) : IFfmpegArgument
{
    public IReadOnlyList<string> Words => ["-af", string.Join(',', Chain)];
}

/// <summary>H.264 by x264 with a profile (<c>main</c>, <c>high</c>) and a preset that trades speed for size.</summary>
public sealed record H264(string Profile, string Preset) : IFfmpegArgument
{
    public IReadOnlyList<string> Words => ["-c:v", "libx264", "-profile:v", Profile, "-preset", Preset];
}

/// <summary>
/// Closed GOPs of exactly <paramref name="Frames"/> frames. The key frames are asked for by frame number, because an
/// expression on time drifts from whole frames at rates such as 30000/1001.
/// </summary>
public sealed record FixedGop(int Frames) : IFfmpegArgument
{
    public IReadOnlyList<string> Words
    {
        get
        {
            var frames = Frames.ToString(CultureInfo.InvariantCulture);
            return
            [
                "-g", frames, "-keyint_min", frames, "-sc_threshold", "0", "-flags", "+cgop",
                "-force_key_frames", $"expr:not(mod(n,{frames}))",
            ];
        }
    }
}

/// <summary>
/// Variable bitrate around <paramref name="BitsPerSecond"/>, held below a quarter more by a buffer of two seconds.
/// </summary>
public sealed record CappedBitrate(int BitsPerSecond) : IFfmpegArgument
{
    public IReadOnlyList<string> Words =>
        ["-b:v", Text(BitsPerSecond), "-maxrate", Text(BitsPerSecond * 5L / 4), "-bufsize", Text(BitsPerSecond * 2L)];

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>AAC-LC in stereo at 48 kHz.</summary>
public sealed record AacStereo(int BitsPerSecond) : IFfmpegArgument
{
    public IReadOnlyList<string> Words =>
    [
        "-c:a", "aac", "-profile:a", "aac_low", "-ac", "2", "-ar", "48000",
        "-b:a", BitsPerSecond.ToString(CultureInfo.InvariantCulture),
    ];
}

/// <summary>One JPEG picture; quality from 2 (best) to 31.</summary>
public sealed record OneJpeg(int Quality) : IFfmpegArgument
{
    public IReadOnlyList<string> Words =>
    [
        "-frames:v", "1", "-c:v", "mjpeg", "-q:v", Quality.ToString(CultureInfo.InvariantCulture), "-f", "image2",
        "-update", "1",
    ];
}

/// <summary>The file that is written.</summary>
public sealed record Output(string Path) : IFfmpegArgument
{
    public IReadOnlyList<string> Words => [$"file:{Path}"];
}
