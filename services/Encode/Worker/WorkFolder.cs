namespace EventStream.Encode.Worker;

/// <summary>
/// A worker's folder for what is not finished, beside those of other workers. A locked file beside it says that its
/// worker lives; what workers left that were killed, whatever their names, is removed by the next that starts.
/// </summary>
public sealed class WorkFolder(string parent, string worker) : IDisposable
{
    private const string LockEnding = ".lock";
    private readonly string path = Path.Combine(parent, worker);
    private FileStream? mine;

    /// <summary>Removes what dead workers left, this one's former life among them, and makes an empty folder.</summary>
    public void Open()
    {
        Directory.CreateDirectory(parent);
        foreach (var file in Directory.GetFiles(parent, "*" + LockEnding))
        {
            if (TryLock(file) is not { } dead)
                continue;
            using (dead)
                Remove(Path.ChangeExtension(file, null), file);
        }

        // Another worker under the same name, against the rule, keeps the lock.
        mine = TryLock(path + LockEnding);
        Remove(path, null);
        Directory.CreateDirectory(path);
    }

    public void Dispose()
    {
        Remove(path, mine?.Name);
        mine?.Dispose();
    }

    private static void Remove(string folder, string? file)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        if (file is not null)
            File.Delete(file);
    }

    /// <summary>The open file, or null while somebody else has it.</summary>
    private static FileStream? TryLock(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
