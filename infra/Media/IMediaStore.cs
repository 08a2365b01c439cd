namespace EventStream.Media;

/// <summary>
/// Where sources and renditions live, by key: path segments joined by <c>/</c>, as in S3. A key appears whole or not at
/// all, except for one that grows by <see cref="AppendAsync"/>. Every method throws
/// <see cref="InvalidMediaKeyException"/> for a key that is not one, and <see cref="IOException"/> where the store does
/// not answer or refuses.
/// </summary>
public interface IMediaStore
{
    /// <summary>Size in bytes and time of the last write, or null where there is none.</summary>
    Task<MediaStat?> StatAsync(string key, CancellationToken cancellation);

    /// <summary>
    /// Opens for reading, seekable, with size and time of exactly these bytes. A growing key may be opened only once it
    /// is sealed. Throws <see cref="MediaNotFoundException"/>.
    /// </summary>
    Task<MediaContent> OpenAsync(string key, CancellationToken cancellation);

    /// <summary>Stores the whole of <paramref name="content"/>, replacing what was there in one step.</summary>
    Task WriteAsync(string key, Stream content, CancellationToken cancellation);

    /// <summary>
    /// Appends to a growing key at exactly <paramref name="offset"/> bytes and returns the new size. What arrived
    /// before an error or cancellation stays. Throws <see cref="MediaOffsetException"/> when the size is another.
    /// </summary>
    Task<long> AppendAsync(string key, long offset, Stream content, CancellationToken cancellation);

    /// <summary>
    /// Ends the growth of a key: from now on it can be read. Nothing happens where it is sealed already.
    /// </summary>
    Task SealAsync(string key, CancellationToken cancellation);

    /// <summary>Removes a key, growing or whole; nothing happens where there is none.</summary>
    Task DeleteAsync(string key, CancellationToken cancellation);

    /// <summary>Keys below a prefix, sorted.</summary>
    IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken cancellation);

    /// <summary>
    /// A local file with the content of a key, for programs that read files. Disposing it frees a copy, if one was
    /// made.
    /// </summary>
    Task<LocalMedia> FetchAsync(string key, CancellationToken cancellation);

    /// <summary>Why the store cannot be used at the moment, in a sentence without secrets; null where it can.</summary>
    Task<string?> TroubleAsync(CancellationToken cancellation);
}

/// <summary>Size in bytes and time of the last write.</summary>
public sealed record MediaStat(long SizeBytes, DateTimeOffset WrittenAt);

/// <summary>What is under a key, opened for reading.</summary>
public sealed record MediaContent(MediaStat Stat, Stream Stream);

/// <summary>A file on this machine that holds the content of a key.</summary>
public sealed class LocalMedia(string path, Action? release = null) : IDisposable
{
    private Action? release = release;

    public string Path { get; } = path;

    public void Dispose() => Interlocked.Exchange(ref release, null)?.Invoke();
}

/// <summary>What every store of media has besides.</summary>
public static class MediaStoreExtensions
{
    /// <summary>Opens for reading, seekable. Throws <see cref="MediaNotFoundException"/>.</summary>
    public static async Task<Stream> OpenReadAsync(
        this IMediaStore media,
        string key,
        CancellationToken cancellation
    ) => (await media.OpenAsync(key, cancellation)).Stream;
}

/// <summary>There is nothing under the key.</summary>
public sealed class MediaNotFoundException(string key) : Exception($"There is no media under '{key}'.")
{
    public string Key { get; } = key;
}

/// <summary>
/// The text is not a key: letters, digits, <c>. _ -</c> in segments joined by <c>/</c>, none of them <c>..</c>.
/// </summary>
public sealed class InvalidMediaKeyException(string key)
    : Exception($"'{key}' is not a media key: use letters, digits, '.', '_' and '-' in segments joined by '/'.")
{
    public string Key { get; } = key;
}

/// <summary>Bytes were offered for one offset while the key has another size.</summary>
public sealed class MediaOffsetException(string key, long expected, long actual)
    : Exception($"'{key}' holds {actual} bytes; bytes at offset {expected} do not follow.")
{
    public string Key { get; } = key;
    public long Expected { get; } = expected;
    public long Actual { get; } = actual;
}
