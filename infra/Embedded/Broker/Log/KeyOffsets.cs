using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// The last offset of every key in a stretch of log, by the first 16 bytes of the key's SHA-256, so that keys of any
/// size take the same memory and two keys that meet in one hash need not be reckoned with. It takes a bounded number of
/// keys; when it is full, compaction goes on in another pass from <see cref="End"/>.
/// </summary>
internal sealed class KeyOffsets(int keysMax)
{
    private readonly Dictionary<(long, long), long> _offsets = [];

    /// <summary>The offset from which on keys have not been looked at.</summary>
    public long End { get; set; }

    /// <summary>Notes the last offset of a key; false when the key is new and there is no room for it.</summary>
    public bool TryPut(ReadOnlySpan<byte> key, long offset)
    {
        var hash = Hash(key);
        if (_offsets.Count >= keysMax && !_offsets.ContainsKey(hash))
        {
            return false;
        }
        _offsets[hash] = offset;
        return true;
    }

    /// <summary>Whether a later record of the same key is known.</summary>
    public bool IsSuperseded(ReadOnlySpan<byte> key, long offset) =>
        _offsets.TryGetValue(Hash(key), out var last) && last > offset;

    private static (long, long) Hash(ReadOnlySpan<byte> key)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(key, digest);
        return MemoryMarshal.Read<(long, long)>(digest);
    }
}
