namespace EventStream.Media;

/// <summary>
/// Where sources and renditions live, by key: lower-case path segments joined by <c>/</c>, as in S3. A key appears
/// whole or not at all, except for one that grows by <see cref="AppendAsync"/>. Every method throws
/// <see cref="InvalidMediaKeyException"/> for a key that is not one.
/// </summary>
public interface IMediaStore
{
    /// <summary>Size in bytes and time of the last write, or null where there is none.</summary>
    Task<MediaStat?> StatAsync(string key, CancellationToken cancellation);

    /// <summary>Opens for reading, seekable. Throws <see cref="MediaNotFoundException"/>.</summary>
    Task<Stream> OpenReadAsync(string key, CancellationToken cancellation);

    /// <summary>Stores the whole of <paramref name="content"/>, replacing what was there in one step.</summary>
    Task WriteAsync(string key, Stream content, CancellationToken cancellation);

    /// <summary>
    /// Appends to a growing key at exactly <paramref name="offset"/> bytes and returns the new size. What arrived
    /// before an error or cancellation stays. Throws <see cref="MediaOffsetException"/> when the size is another.
    /// </summary>
    Task<long> AppendAsync(string key, long offset, Stream content, CancellationToken cancellation);

    /// <summary>
    /// Gives a key another name, without a copy, replacing what has that name. Throws
    /// <see cref="MediaNotFoundException"/>.
    /// </summary>
    Task MoveAsync(string key, string newKey, CancellationToken cancellation);

    /// <summary>Removes a key; nothing happens where there is none.</summary>
    Task DeleteAsync(string key, CancellationToken cancellation);

    /// <summary>Keys below a prefix, sorted.</summary>
    IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken cancellation);

    /// <summary>
    /// A local file with the content of a key, for programs that read files. Disposing it frees a copy, if one was
    /// made.
    /// </summary>
    Task<LocalMedia> FetchAsync(string key, CancellationToken cancellation);
}

/// <summary>Size in bytes and time of the last write.</summary>
public sealed record MediaStat(long SizeBytes, DateTimeOffset WrittenAt);

/// <summary>A file on this machine that holds the content of a key.</summary>
public sealed class LocalMedia(string path, bool isCopy) : IDisposable
{
    public string Path { get; } = path;

    public void Dispose()
    {
        if (isCopy) File.Delete(Path);
    }
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
