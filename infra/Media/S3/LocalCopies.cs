using System.Security.Cryptography;
using System.Text;

namespace EventStream.Media.S3;

/// <summary>
/// Files of this process that hold what lies in S3: copies for programs that read files, shared by those that use the
/// same one at a time, and scratch files. What a process that was killed left is removed by the next one.
/// </summary>
internal sealed class LocalCopies : IDisposable
{
    private const string LockName = "lock";
    private readonly Lock gate = new();
    private readonly Dictionary<string, Copy> copies = new(StringComparer.Ordinal);
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
            Path.Combine(folder, Guid.NewGuid().ToString("N")),
            FileMode.CreateNew,
            FileAccess.ReadWrite,
            FileShare.None,
            4096,
            FileOptions.Asynchronous | FileOptions.DeleteOnClose
        );

    /// <summary>
    /// A copy of exactly this object, downloaded where nobody has it yet. Throws <see cref="MediaStoreException"/>
    /// where it does not fit beside the others.
    /// </summary>
    public async Task<LocalMedia> GetAsync(
        string key,
        S3Object found,
        Func<string, CancellationToken, Task> download,
        CancellationToken cancellation
    )
    {
        var copy = Take(key, found);
        try
        {
            await copy.Turn.WaitAsync(cancellation);
            try
            {
                if (!copy.IsWhole)
                    await download(copy.Path, cancellation);
                copy.IsWhole = true;
            }
            finally
            {
                copy.Turn.Release();
            }

            return new LocalMedia(copy.Path, () => Release(copy));
        }
        catch
        {
            Release(copy);
            throw;
        }
    }

    private Copy Take(string key, S3Object found)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{key}\n{found.ETag}")));
        lock (gate)
        {
            if (!copies.TryGetValue(name, out var copy))
            {
                if (bytes + found.SizeBytes > bytesMax)
                    throw new MediaStoreException(
                        $"'{key}' has {found.SizeBytes} bytes, and local copies may take {bytesMax}, of "
                            + $"which {bytes} are "
                            + "in use: raise Media:S3:LocalBytesMax, or run fewer tasks at a time."
                    );
                bytes += found.SizeBytes;
                copies[name] = copy = new Copy(name, Path.Combine(folder, name), found.SizeBytes);
            }

            copy.Users++;
            return copy;
        }
    }

    private void Release(Copy copy)
    {
        lock (gate)
        {
            if (--copy.Users > 0)
                return;
            copies.Remove(copy.Name);
            bytes -= copy.SizeBytes;
            File.Delete(copy.Path);
        }
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

    private sealed class Copy(string name, string path, long sizeBytes)
    {
        public string Name { get; } = name;

        public string Path { get; } = path;

        public long SizeBytes { get; } = sizeBytes;

        public SemaphoreSlim Turn { get; } = new(1);

        public int Users { get; set; }

        public bool IsWhole { get; set; }
    }
}
