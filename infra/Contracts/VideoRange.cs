namespace EventStream.Contracts;

/// <summary>High dynamic ranges of a picture, in the words of HLS (VIDEO-RANGE).</summary>
public static class VideoRange
{
    public const string Pq = "PQ";
    public const string Hlg = "HLG";

    /// <summary>What the tasks and renditions of a high range are named with, behind the name of a rung.</summary>
    public const string Suffix = "-hdr";

    /// <summary>The range of a source's picture, null for a standard one.</summary>
    public static string? Of(SourcePicture picture) =>
        picture.Transfer switch
        {
            "smpte2084" => Pq,
            "arib-std-b67" => Hlg,
            _ => null,
        };

    /// <summary>Whether a task, or the rendition that it makes, keeps a high range.</summary>
    public static bool IsTask(string name) => name.EndsWith(Suffix, StringComparison.Ordinal);
}
