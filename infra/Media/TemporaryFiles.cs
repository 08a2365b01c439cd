namespace EventStream.Media;

/// <summary>
/// The files of a store that are not whole yet, in a folder of their own whose name no key can have. Who writes one
/// holds it open and thereby locked, also against other machines that mount the folder.
/// </summary>
internal sealed class TemporaryFiles(string folder)
{
    /// <summary>A file that nobody holds is abandoned after this long: one is locked just after it is made.</summary>
    public static readonly TimeSpan AbandonedAfter = TimeSpan.FromSeconds(10);

    /// <summary>The path of a new file, in a folder that exists.</summary>
    public string Next()
    {
        if (new FileInfo(folder).LinkTarget is not null)
            throw new IOException($"'{folder}' is a symbolic link: remove it.");
        Directory.CreateDirectory(folder);
        return Path.Combine(folder, Guid.NewGuid().ToString("N"));
    }

    /// <summary>Removes the abandoned files; returns their number.</summary>
    public int RemoveAbandoned()
    {
        if (!Directory.Exists(folder) || new FileInfo(folder).LinkTarget is not null)
            return 0;
        // The age by the clock of the file system, which is another machine's where the folder is mounted.
        var probe = Next();
        File.WriteAllBytes(probe, []);
        var before = File.GetLastWriteTimeUtc(probe) - AbandonedAfter;
        File.Delete(probe);
        return new DirectoryInfo(folder)
            .EnumerateFiles()
            .Count(file => file.LastWriteTimeUtc < before && TryRemove(file.FullName));
    }

    private static bool TryRemove(string path)
    {
        try
        {
            using var mine = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None);
            File.Delete(path);
            return true;
        }
        catch (IOException)
        {
            // Somebody writes to it, or has removed or renamed it.
            return false;
        }
    }
}
