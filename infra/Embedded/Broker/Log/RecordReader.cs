namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// Walks the records of one batch, unpacked. Nothing is copied; a record that does not fit into the bytes ends the
/// walk with <see cref="IsDamaged"/>.
/// </summary>
internal ref struct RecordReader(ReadOnlySpan<byte> records, int count)
{
    private readonly ReadOnlySpan<byte> _records = records;
    private int _left = count;
    private int _position;
    private int _bodyAt;
    private int _next;
    private int _keyAt;
    private int _keyBytes;

    /// <summary>True when the walk ended because the bytes are no records.</summary>
    public bool IsDamaged { get; private set; }

    public long TimestampDelta { get; private set; }

    public int OffsetDelta { get; private set; }

    public readonly bool HasKey => _keyBytes >= 0;

    /// <summary>False for a tombstone.</summary>
    public bool HasValue { get; private set; }

    public readonly ReadOnlySpan<byte> Key => HasKey ? _records.Slice(_keyAt, _keyBytes) : [];

    /// <summary>The whole record with its length.</summary>
    public readonly ReadOnlySpan<byte> Bytes => _records[_position.._next];

    public byte Attributes { get; private set; }

    /// <summary>What follows the deltas: key, value and headers.</summary>
    public readonly ReadOnlySpan<byte> Body => _records[_bodyAt.._next];

    public bool MoveNext()
    {
        if (_left == 0 || IsDamaged)
        {
            return false;
        }
        _left--;
        _position = _next;
        IsDamaged = !TryRead();
        return !IsDamaged;
    }

    private bool TryRead()
    {
        var at = _position;
        if (!Varint.TryRead(_records, ref at, out var length) || length < 1 || length > _records.Length - at)
        {
            return false;
        }
        _next = at + (int)length;
        Attributes = _records[at++];
        var record = _records[.._next];
        if (
            !Varint.TryRead(record, ref at, out var timestampDelta)
            || !Varint.TryRead(record, ref at, out var offsetDelta)
        )
        {
            return false;
        }
        (TimestampDelta, OffsetDelta, _bodyAt) = (timestampDelta, (int)offsetDelta, at);
        return TryReadKeyAndValue(record, at);
    }

    private bool TryReadKeyAndValue(ReadOnlySpan<byte> record, int at)
    {
        if (!Varint.TryRead(record, ref at, out var keyBytes) || keyBytes > record.Length - at)
        {
            return false;
        }
        (_keyAt, _keyBytes) = (at, (int)Math.Max(keyBytes, -1));
        at += Math.Max(_keyBytes, 0);
        if (!Varint.TryRead(record, ref at, out var valueBytes) || valueBytes > record.Length - at)
        {
            return false;
        }
        HasValue = valueBytes >= 0;
        return true;
    }
}
