using System.Text;

namespace EventStream.Encode.Ffmpeg;

/// <summary>
/// The source cannot become a video. <see cref="Reason"/> and <see cref="Remedy"/> are sentences for the publisher.
/// </summary>
public sealed class UnusableSourceException(string reason, string remedy) : Exception($"{reason} {remedy}")
{
    public string Reason { get; } = reason;
    public string Remedy { get; } = remedy;
}

/// <summary>
/// What a publisher reads of a file that cannot be read: sentences of ours, never those of the tools, which name
/// demuxers, addresses and paths of this machine.
/// </summary>
public static class Refusals
{
    /// <summary>So many bytes at the begin of a file say whether it is one of boxes.</summary>
    public const int HeadSize = 8;

    /// <summary>What to do with a file of another kind.</summary>
    public const string OtherContainer = "Export the video as MP4, MOV, MKV, WebM, AVI or MPEG-TS and upload it again.";

    /// <summary>ffmpeg's names of the containers that hold sound alone.</summary>
    private static readonly HashSet<string> Sounds =
    [
        .. "aac ac3 aiff amr ape au caf dsf dts dtshd eac3 flac mp3 oma spdif tak truehd tta voc w64 wav wv".Split(' '),
    ];

    /// <summary>
    /// The refusal of a file that ffprobe could not open, from the end of its log: <c>[mp3 @ 0x55] Format not on
    /// whitelist</c> names what it took the file for. <paramref name="head"/> is the begin of the file: ffprobe takes
    /// noise for an MP4 too, by its name.
    /// </summary>
    public static UnusableSourceException Of(string log, ReadOnlySpan<byte> head)
    {
        if (log.Contains("moov atom not found", StringComparison.Ordinal) && BeginsAsMp4(head))
            return new(
                "The file is cut short: its index, which is at its end, is missing.",
                "Upload the whole file again."
            );
        var kind = Kind(log);
        if (Sounds.Contains(kind))
            return new("The file holds sound and no picture.", "Upload a file with a video track.");
        return kind.EndsWith("_pipe", StringComparison.Ordinal) || kind is "image2" or "gif" or "apng"
            ? new("The file is a picture and no video.", OtherContainer)
            : new("The file is not a video that can be read.", OtherContainer);
    }

    /// <summary>Whether the first box is one that a file of the ISO family, or of QuickTime, begins with.</summary>
    private static bool BeginsAsMp4(ReadOnlySpan<byte> head) =>
        head.Length >= HeadSize
        && Encoding.ASCII.GetString(head[4..HeadSize]) is "ftyp" or "mdat" or "moov" or "wide" or "free" or "skip";

    /// <summary>The container's first name, empty where the log has none.</summary>
    private static string Kind(string log)
    {
        var refused = log.Split(" | ")
            .FirstOrDefault(line => line.Contains("not on whitelist", StringComparison.Ordinal));
        return refused is ['[', .. var rest] ? rest.Split(' ', ',', '@')[0] : "";
    }
}
