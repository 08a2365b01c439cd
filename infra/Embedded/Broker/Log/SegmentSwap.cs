namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// Replaces segments by the one that compaction made of them, so that a crash at any point leaves either the old ones
/// or the new one. The name of the file says what it replaces: renaming it is the decision, and whatever was not
/// carried out then is carried out when the log is opened.
/// </summary>
internal static class SegmentSwap
{
    public const string CleanedSuffix = ".cleaned";
    private const string SwapSuffix = ".swap";

    /// <summary>
    /// Puts a flushed <c>.cleaned</c> file in the place of the segments whose base offsets lie from <paramref
    /// name="first"/> to before <paramref name="end"/>.
    /// </summary>
    /// <exception cref="IOException">The disk refused; the log is whole, with the old segments or the new
    /// one.</exception>
    public static void Commit(string folder, string cleanedPath, long first, long end)
    {
        var swapPath = Path.Combine(folder, $"{first:D20}-{end:D20}{SwapSuffix}");
        File.Move(cleanedPath, swapPath, overwrite: true);
        FolderFlush.Flush(folder);
        Finish(folder, swapPath);
    }

    /// <summary>Finishes what was decided and removes what was not.</summary>
    public static void Recover(string folder)
    {
        foreach (var path in Directory.GetFiles(folder, "*" + CleanedSuffix))
        {
            File.Delete(path);
        }
        foreach (var path in Directory.GetFiles(folder, "*" + SwapSuffix))
        {
            Finish(folder, path);
        }
    }

    private static void Finish(string folder, string swapPath)
    {
        var range = Path.GetFileNameWithoutExtension(swapPath).Split('-');
        var (first, end) = (long.Parse(range[0]), long.Parse(range[1]));
        var target = LogSegment.PathOf(folder, first);
        foreach (var path in Directory.GetFiles(folder, "*" + LogSegment.Suffix))
        {
            var offset = long.Parse(Path.GetFileNameWithoutExtension(path));
            if (offset >= first && offset < end)
            {
                File.Delete(Path.ChangeExtension(path, LogSegment.IndexSuffix));
                if (path != target)
                {
                    File.Delete(path);
                }
            }
        }
        File.Move(swapPath, target, overwrite: true);
        FolderFlush.Flush(folder);
    }
}
