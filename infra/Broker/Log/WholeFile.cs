namespace EventStream.Broker.Log;

/// <summary>
/// Replaces a small file as a whole: after a crash either the old or the new content is there, never a mixture.
/// </summary>
internal static class WholeFile
{
    public static void Write(string path, ReadOnlySpan<byte> bytes, bool flush = false)
    {
        var next = path + ".next";
        using (var file = File.OpenHandle(next, FileMode.Create, FileAccess.Write))
        {
            RandomAccess.Write(file, bytes, 0);
            if (flush)
            {
                RandomAccess.FlushToDisk(file);
            }
        }
        File.Move(next, path, overwrite: true);
    }
}
