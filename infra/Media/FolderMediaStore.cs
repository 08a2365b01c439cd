using System.Runtime.CompilerServices;

namespace EventStream.Media;

/// <summary>
/// Media in a folder of this machine, or of a mounted share. A write goes to a temporary file that is then renamed;
/// what a killed process leaves of one is removed by <see cref="RemoveAbandoned"/>.
/// Symbolic links below the folder are not followed, so that nothing beside it is read, written or served: a key behind
/// one is not there, and writing to it throws <see cref="IOException"/>. The folder itself may be reached by a link.
/// </summary>
public sealed class FolderMediaStore : IMediaStore
{
    private const int BufferSize = 128 * 1024;

    private static readonly EnumerationOptions Listing = new()
    {
        RecurseSubdirectories = true,
        IgnoreInaccessible = false,
        AttributesToSkip = FileAttributes.ReparsePoint,
    };

    private readonly string root;
    private readonly TemporaryFiles temporaries;

    /// <summary>Uses, and creates, the folder <paramref name="root"/>.</summary>
    public FolderMediaStore(string root)
    {
        this.root = Path.GetFullPath(root);
        Directory.CreateDirectory(this.root);
        temporaries = new TemporaryFiles(Path.Combine(this.root, ".tmp"));
    }

    public Task<MediaStat?> StatAsync(string key, CancellationToken cancellation)
    {
        var file = new FileInfo(PathOf(key));
        return Task.FromResult(
            file.Exists && !IsLinked(key) ? new MediaStat(file.Length, new DateTimeOffset(file.LastWriteTimeUtc)) : null
        );
    }

    public Task<MediaContent> OpenAsync(string key, CancellationToken cancellation)
    {
        try
        {
            var path = PathOf(key);
            if (IsLinked(key))
                throw new MediaNotFoundException(key);
            var file = Open(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var written = new DateTimeOffset(File.GetLastWriteTimeUtc(file.SafeFileHandle));
            return Task.FromResult(new MediaContent(new MediaStat(file.Length, written), file));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new MediaNotFoundException(key);
        }
    }

    /// <summary>Removes what killed processes left of their writes; returns the number of files.</summary>
    public int RemoveAbandoned() => temporaries.RemoveAbandoned();

    public async Task WriteAsync(string key, Stream content, CancellationToken cancellation)
    {
        var path = PathForWriting(key);
        var temporary = temporaries.Next();
        try
        {
            await using var file = Open(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
            await content.CopyToAsync(file, BufferSize, cancellation);
            await file.FlushAsync(cancellation);
            // Still open, and thereby locked, so that nobody takes it for abandoned.
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    public async Task<long> AppendAsync(string key, long offset, Stream content, CancellationToken cancellation)
    {
        var path = PathForWriting(key);
        // Without a buffer of its own, so that the size shows at any time what a killed process would leave.
        await using var file = Open(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
        if (file.Length != offset)
            throw new MediaOffsetException(key, offset, file.Length);
        file.Seek(offset, SeekOrigin.Begin);
        var buffer = new byte[BufferSize];
        int read;
        while ((read = await content.ReadAsync(buffer, cancellation)) > 0)
        {
            // Bytes that arrived are kept whole even when the caller goes away in the middle of a write.
            await file.WriteAsync(buffer.AsMemory(0, read), CancellationToken.None);
        }

        // The caller may forget its copy once it has the new size, so the bytes must outlive a power cut.
        file.Flush(flushToDisk: true);
        return file.Length;
    }

    /// <summary>A file that grows is whole after each append.</summary>
    public Task SealAsync(string key, CancellationToken cancellation)
    {
        _ = PathOf(key);
        return Task.CompletedTask;
    }

    public Task DeleteAsync(string key, CancellationToken cancellation)
    {
        var path = PathOf(key);
        if (File.Exists(path) && !IsLinked(key))
            File.Delete(path);
        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<string> ListAsync(
        string prefix,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        await Task.CompletedTask;
        var folder = PathOf(prefix.TrimEnd('/'));
        if (!Directory.Exists(folder) || IsLinked(prefix.TrimEnd('/')))
            yield break;
        foreach (var file in Directory.EnumerateFiles(folder, "*", Listing).Order())
        {
            cancellation.ThrowIfCancellationRequested();
            // Where an earlier program wrote its temporary files.
            if (!file.EndsWith(".tmp", StringComparison.Ordinal))
                yield return Path.GetRelativePath(root, file);
        }
    }

    public Task<LocalMedia> FetchAsync(string key, CancellationToken cancellation)
    {
        var path = PathOf(key);
        return File.Exists(path) && !IsLinked(key)
            ? Task.FromResult(new LocalMedia(path))
            : throw new MediaNotFoundException(key);
    }

    public Task<string?> TroubleAsync(CancellationToken cancellation) =>
        Task.FromResult(Directory.Exists(root) ? null : $"The folder of the media store, {root}, is not there.");

    private static FileStream Open(
        string path,
        FileMode mode,
        FileAccess access,
        FileShare share,
        int bufferSize = BufferSize
    ) => new(path, mode, access, share, bufferSize, useAsync: true);

    private string PathOf(string key)
    {
        if (!MediaKeys.IsValid(key))
            throw new InvalidMediaKeyException(key);
        return Path.Combine(root, key);
    }

    /// <summary>The path of a key in a folder that exists, where no link is on the way.</summary>
    private string PathForWriting(string key)
    {
        var path = PathOf(key);
        if (IsLinked(key))
            throw new IOException($"'{key}' is, or lies behind, a symbolic link: remove it from {root}.");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    /// <summary>Whether the key, or a folder on its way, is a symbolic link.</summary>
    private bool IsLinked(string key)
    {
        var path = root;
        foreach (var segment in key.Split('/'))
        {
            path = Path.Combine(path, segment);
            if (new FileInfo(path).LinkTarget is not null)
                return true;
        }

        return false;
    }
}

/// <summary>The rule for media keys.</summary>
public static class MediaKeys
{
    /// <summary>Whether every segment has letters, digits, <c>. _ -</c> only and does not start with a dot.</summary>
    public static bool IsValid(string key) => key.Length is > 0 and <= 512 && key.Split('/').All(IsSegment);

    private static bool IsSegment(string segment) =>
        segment.Length > 0
        && segment[0] != '.'
        && segment.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}
