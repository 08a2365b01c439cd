namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// How ffmpeg and ffprobe may open a source: as a plain file in one of the accepted containers. Without the two lists
/// a playlist or a concat script named <c>.mp4</c> makes them read other files of this machine or fetch from the
/// network, and a text file passes as an ANSI animation.
/// </summary>
public static class SourceFile
{
    /// <summary>ffmpeg's names of the accepted containers.</summary>
    public const string Containers = "mov,mp4,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,mxf";

    /// <summary>The two lists as options, one word each.</summary>
    public static readonly IReadOnlyList<string> Guard =
    [
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        Containers,
    ];

    /// <summary>
    /// The address of a local file. FFMpegCore writes the command line as one text with paths in double quotes, so a
    /// path that holds a quote or a backslash could end the quotes and add options. Throws <see cref="IOException"/>
    /// for such a path; media keys never make one, a configured folder might.
    /// </summary>
    public static string Address(string path) =>
        path.AsSpan().IndexOfAny('"', '\\') < 0 && !path.Any(char.IsControl)
            ? $"file:{path}"
            : throw new IOException(
                $"The path '{path}' holds a quote, a backslash or a control character, which ffmpeg's command line "
                    + "cannot carry: configure a folder without them."
            );
}
