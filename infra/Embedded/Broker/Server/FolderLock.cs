namespace EventStream.Embedded.Broker.Server;

/// <summary>
/// Keeps a second broker out of a data folder; the operating system lets go of the lock when the process ends.
/// </summary>
internal sealed class FolderLock : IDisposable
{
    private readonly FileStream _file;

    private FolderLock(FileStream file) => _file = file;

    /// <exception cref="BrokerException">Another broker uses the folder, or it cannot be written.</exception>
    public static FolderLock Take(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            var path = Path.Combine(folder, "broker.lock");
            return new FolderLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BrokerException(
                folder,
                $"The broker cannot lock its data folder {folder}: {e.Message} "
                    + "Stop the broker that uses the folder, or choose another folder.",
                e
            );
        }
    }

    public void Dispose() => _file.Dispose();
}
