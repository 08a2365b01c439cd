namespace EventStream.Media.S3;

/// <summary>
/// Files of this process that hold what lies in S3: copies for programs that read files, and scratch files. What a
/// process that was killed left is removed by the next one.
/// </summary>
internal sealed class LocalCopies : IDisposable
{
    private const string LockName = "lock";
    private readonly string folder;
    private readonly long bytesMax;
    private readonly FileStream held;
    private long bytes;

    public LocalCopies(string root, long bytesMax)
    {
        Directory.CreateDirectory(root);
        foreach (var other in Directory.GetDirectories(root))
            RemoveAbandoned(other);
        this.bytesMax = bytesMax;
        folder = Directory.CreateDirectory(Path.Combine(Path.GetFullPath(root), Guid.NewGuid().ToString("N"))).FullName;
        held = new FileStream(Path.Combine(folder, LockName), FileMode.CreateNew, FileAccess.Write, FileShare.None);
    }

    public void Dispose()
    {
        held.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>An empty file that is gone when it is closed.</summary>
    public FileStream OpenScratch() =>
        new(
            NewPath(),
            FileMode.CreateNew,
            FileAccess.ReadWrite,
            FileShare.None,
            4096,
            FileOptions.Asynchronous | FileOptions.DeleteOnClose
        );

    /// <summary>
    /// A copy of an object, removed when it is disposed. Throws <see cref="MediaStoreException"/> where it does not fit
    /// beside the others.
    /// </summary>
    public async Task<LocalMedia> GetAsync(
        string key,
        long sizeBytes,
        Func<string, CancellationToken, Task> download,
        CancellationToken cancellation
    )
    {
        var used = Interlocked.Add(ref bytes, sizeBytes) - sizeBytes;
        var path = NewPath();
        var copy = new LocalMedia(path, () => Release(path, sizeBytes));
        try
        {
            if (used + sizeBytes > bytesMax)
                throw new MediaStoreException(
                    $"'{key}' has {sizeBytes} bytes, and local copies may take {bytesMax}, of which {used} are in use: "
                        + "raise Media:S3:LocalBytesMax, or run fewer tasks at a time."
                );
            await download(path, cancellation);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    private string NewPath() => Path.Combine(folder, Guid.NewGuid().ToString("N"));

    private void Release(string path, long sizeBytes)
    {
        File.Delete(path);
        Interlocked.Add(ref bytes, -sizeBytes);
    }

    private static void RemoveAbandoned(string other)
    {
        try
        {
            using (new FileStream(Path.Combine(other, LockName), FileMode.Open, FileAccess.Write, FileShare.None))
            {
                // Nobody holds it.
            }

            Directory.Delete(other, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Its process lives.
        }
    }
}
