namespace EventStream.Media.S3;

/// <summary>An object that is there.</summary>
internal sealed record S3Object(long SizeBytes, DateTimeOffset WrittenAt, string ETag);

/// <summary>A small object with its content.</summary>
internal sealed record SmallObject(byte[] Content, string ETag, DateTimeOffset WrittenAt);

/// <summary>A part of an object to be.</summary>
internal sealed record S3Part(string ETag, long SizeBytes);

/// <summary>The store does not answer, or refuses; the message names it and the key, and no secret.</summary>
public class MediaStoreException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>Somebody else wrote to the key in between.</summary>
public sealed class MediaChangedException(string key)
    : MediaStoreException($"'{key}' was written by somebody else in between.");
