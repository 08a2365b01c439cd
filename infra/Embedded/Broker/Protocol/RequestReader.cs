using System.Buffers.Binary;
using System.Text;

namespace EventStream.Embedded.Broker.Protocol;

/// <summary>
/// Reads the primitive types of the Kafka protocol from one request frame. When <see cref="Flexible"/> is set,
/// strings, bytes and arrays are read in their compact form and tagged fields exist, so that one handler serves both
/// encodings. A field that came with a later version of its API is read with <c>since</c>, and is <c>absent</c> before.
/// </summary>
internal sealed class RequestReader
{
    private byte[] _buffer = [];
    private int _position;
    private int _end;

    public bool Flexible { get; set; }

    /// <summary>The version of the API in which the request is written.</summary>
    public short Version { get; set; }

    public int Remaining => _end - _position;

    public void Reset(byte[] buffer, int start, int length)
    {
        _buffer = buffer;
        _position = start;
        _end = start + length;
        Flexible = false;
        Version = 0;
    }

    public byte ReadByte(short since = 0, byte absent = 0) => Version >= since ? Take(1)[0] : absent;

    public bool ReadBoolean(short since = 0) => ReadByte(since) != 0;

    public short ReadInt16(short since = 0, short absent = 0) =>
        Version >= since ? BinaryPrimitives.ReadInt16BigEndian(Take(2)) : absent;

    public int ReadInt32(short since = 0, int absent = 0) =>
        Version >= since ? BinaryPrimitives.ReadInt32BigEndian(Take(4)) : absent;

    public long ReadInt64(short since = 0, long absent = 0) =>
        Version >= since ? BinaryPrimitives.ReadInt64BigEndian(Take(8)) : absent;

    public Guid ReadUuid(short since = 0) => Version >= since ? new(Take(16), bigEndian: true) : Guid.Empty;

    public uint ReadUnsignedVarint()
    {
        uint value = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            var b = ReadByte();
            value |= (uint)(b & 0x7f) << shift;
            if ((b & 0x80) == 0)
            {
                return value;
            }
        }
        throw new MalformedRequestException("A varint is longer than five bytes.");
    }

    public string ReadString(short since = 0) =>
        Version < since
            ? ""
            : ReadNullableString() ?? throw new MalformedRequestException("A string that may not be null is null.");

    public string? ReadNullableString(short since = 0) =>
        Version >= since ? ReadText(Flexible ? (int)ReadUnsignedVarint() - 1 : ReadInt16()) : null;

    /// <summary>The client id of the request header keeps the old encoding even in flexible headers.</summary>
    public string? ReadClassicNullableString() => ReadText(ReadInt16());

    public byte[] ReadBytes() => ReadRawBytes().ToArray();

    /// <summary>Bytes or records in place (empty when null); valid until the frame is released, and writable.</summary>
    public Span<byte> ReadRawBytes()
    {
        var length = Flexible ? (int)ReadUnsignedVarint() - 1 : ReadInt32();
        return length <= 0 ? [] : Take(length);
    }

    /// <summary>All bytes that remain.</summary>
    public byte[] ReadRest() => Take(Remaining).ToArray();

    /// <summary>The count of an array that may not be null.</summary>
    public int ReadArrayLength() =>
        ReadNullableArrayLength() is >= 0 and var count
            ? count
            : throw new MalformedRequestException("An array that may not be null is null.");

    /// <summary>
    /// The count of an array, -1 when it is null. Every element takes a byte at least, which bounds the count.
    /// </summary>
    public int ReadNullableArrayLength()
    {
        var count = Flexible ? (int)ReadUnsignedVarint() - 1 : ReadInt32();
        return count <= Remaining
            ? Math.Max(count, -1)
            : throw new MalformedRequestException($"An array of {count} elements does not fit into {Remaining} bytes.");
    }

    public int[] ReadInt32Array()
    {
        var count = ReadArrayLength();
        if (count > Remaining / sizeof(int))
        {
            throw new MalformedRequestException($"An array of {count} numbers does not fit into {Remaining} bytes.");
        }
        var values = new int[count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = ReadInt32();
        }
        return values;
    }

    public string[] ReadStringArray(short since = 0) => Version >= since ? ReadStrings(ReadArrayLength()) : [];

    public string[]? ReadNullableStringArray() =>
        ReadNullableArrayLength() is >= 0 and var count ? ReadStrings(count) : null;

    /// <summary>The structures of an array, each of which ends with tagged fields; null when there is none.</summary>
    public List<T>? ReadNullableArray<T>(Func<RequestReader, T> readFields)
    {
        var count = ReadNullableArrayLength();
        if (count < 0)
        {
            return null;
        }
        var values = new List<T>();
        for (; count > 0; count--)
        {
            values.Add(readFields(this));
            SkipTags();
        }
        return values;
    }

    /// <summary>The same of an array that may not be null.</summary>
    public List<T> ReadArray<T>(Func<RequestReader, T> readFields) =>
        ReadNullableArray(readFields) ?? throw new MalformedRequestException("An array that may not be null is null.");

    /// <summary>Passes over the tagged fields that end every structure of a flexible version.</summary>
    public void SkipTags()
    {
        if (!Flexible)
        {
            return;
        }
        for (var count = ReadUnsignedVarint(); count > 0; count--)
        {
            ReadUnsignedVarint();
            Take((int)ReadUnsignedVarint());
        }
    }

    private string[] ReadStrings(int count)
    {
        var values = new string[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = ReadString();
        }
        return values;
    }

    private string? ReadText(int length) => length < 0 ? null : Encoding.UTF8.GetString(Take(length));

    private Span<byte> Take(int count)
    {
        if ((uint)count > (uint)Remaining)
        {
            throw new MalformedRequestException(
                $"A field of {count} bytes does not fit into the {Remaining} that remain."
            );
        }
        var taken = _buffer.AsSpan(_position, count);
        _position += count;
        return taken;
    }
}
