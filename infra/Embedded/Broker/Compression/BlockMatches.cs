using System.Buffers.Binary;

namespace EventStream.Embedded.Broker.Compression;

/// <summary>
/// Finds repetitions in a block of at most 64 KiB, for the two byte-oriented codecs, Snappy and LZ4: a run of literal
/// bytes and then a match, again and again. The first match that a hash of four bytes proposes is taken; the end of
/// the block stays literal, as LZ4 demands.
/// </summary>
internal ref struct BlockMatches
{
    /// <summary>The largest block: a match reaches back at most 65535 bytes in either codec.</summary>
    public const int BlockBytesMax = 64 * 1024;

    /// <summary>The shortest match; shorter ones save nothing.</summary>
    public const int MatchBytesMin = 4;

    private const int HashBits = 12;

    /// <summary>
    /// LZ4: the last match begins at least 12 bytes before the end, and the last 5 bytes are literals.
    /// </summary>
    private const int StartMargin = 12;
    private const int EndMargin = 5;

    private readonly ReadOnlySpan<byte> _block;
    private readonly ushort[] _lastAt = new ushort[1 << HashBits];
    private int _next;

    public BlockMatches(ReadOnlySpan<byte> block)
    {
        _block = block;
        LiteralStart = 0;
    }

    /// <summary>Where the bytes begin that precede the match and repeat nothing.</summary>
    public int LiteralStart { get; private set; }

    public int LiteralBytes { get; private set; }

    public int Distance { get; private set; }

    public int MatchBytes { get; private set; }

    /// <summary>The bytes after the last match.</summary>
    public readonly ReadOnlySpan<byte> Rest => _block[LiteralStart..];

    public readonly ReadOnlySpan<byte> Literals => _block.Slice(LiteralStart, LiteralBytes);

    /// <summary>Finds the next match; afterwards <see cref="Rest"/> is what follows the last one found.</summary>
    public bool MoveNext()
    {
        LiteralStart += LiteralBytes + MatchBytes;
        (LiteralBytes, MatchBytes) = (0, 0);
        for (var at = Math.Max(_next, LiteralStart); at < _block.Length - StartMargin; at++)
        {
            var hash = HashAt(at);
            var candidate = _lastAt[hash];
            _lastAt[hash] = (ushort)at;
            if (candidate < at && FourAt(candidate) == FourAt(at))
            {
                Take(at, candidate);
                return true;
            }
        }
        return false;
    }

    private void Take(int at, int candidate)
    {
        var end = at + MatchBytesMin;
        while (end < _block.Length - EndMargin && _block[end] == _block[candidate + end - at])
        {
            end++;
        }
        LiteralBytes = at - LiteralStart;
        Distance = at - candidate;
        MatchBytes = end - at;
        _next = end;
    }

    private readonly uint FourAt(int at) => BinaryPrimitives.ReadUInt32LittleEndian(_block[at..]);

    private readonly int HashAt(int at) => (int)(FourAt(at) * 2654435761u >> (32 - HashBits));
}
