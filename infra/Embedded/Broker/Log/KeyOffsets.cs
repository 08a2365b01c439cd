using System.Security.Cryptography;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// The last offset of every key in a stretch of log, by the first 16 bytes of the key's SHA-256, so that keys of any
/// size take 24 bytes each and two keys that meet in one hash need not be reckoned with. It takes a bounded number of
/// keys; when it is full, compaction goes on in another pass from <see cref="End"/>.
/// </summary>
internal sealed class KeyOffsets
{
    private const int SlotsMin = 16;
    private readonly UInt128[] _keys;
    private readonly long[] _offsets;
    private readonly int _keysMax;
    private int _count;

    public KeyOffsets(int keysMax)
    {
        _keysMax = keysMax;
        var slots = SlotsMin;
        while (slots < keysMax + keysMax / 2L && slots < 1 << 30)
        {
            slots <<= 1;
        }
        _keys = new UInt128[slots];
        _offsets = new long[slots];
        Array.Fill(_offsets, -1);
    }

    /// <summary>The offset from which on keys have not been looked at.</summary>
    public long End { get; set; }

    public int Count => _count;

    /// <summary>Notes the last offset of a key; false when the key is new and there is no room for it.</summary>
    public bool TryPut(ReadOnlySpan<byte> key, long offset)
    {
        var hash = Hash(key);
        var slot = SlotOf(hash);
        if (_offsets[slot] < 0)
        {
            if (_count >= _keysMax)
            {
                return false;
            }
            _keys[slot] = hash;
            _count++;
        }
        _offsets[slot] = offset;
        return true;
    }

    /// <summary>Whether a later record of the same key is known.</summary>
    public bool IsSuperseded(ReadOnlySpan<byte> key, long offset) => _offsets[SlotOf(Hash(key))] > offset;

    private int SlotOf(UInt128 hash)
    {
        var slot = (int)((ulong)hash & (ulong)(_keys.Length - 1));
        while (_offsets[slot] >= 0 && _keys[slot] != hash)
        {
            slot = slot + 1 & _keys.Length - 1;
        }
        return slot;
    }

    private static UInt128 Hash(ReadOnlySpan<byte> key)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(key, digest);
        return new UInt128(BitConverter.ToUInt64(digest), BitConverter.ToUInt64(digest[8..]));
    }
}
