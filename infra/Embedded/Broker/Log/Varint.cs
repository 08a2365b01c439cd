namespace EventStream.Embedded.Broker.Log;

/// <summary>The zigzag varints in which records keep their lengths and deltas.</summary>
internal static class Varint
{
    /// <summary>A varint of 64 bits takes ten bytes at most.</summary>
    public const int BytesMax = 10;

    public static bool TryRead(ReadOnlySpan<byte> bytes, ref int position, out long value)
    {
        ulong raw = 0;
        for (var shift = 0; shift < 70 && position < bytes.Length; shift += 7)
        {
            var b = bytes[position++];
            raw |= (ulong)(b & 0x7f) << shift;
            if ((b & 0x80) == 0)
            {
                value = (long)(raw >> 1) ^ -(long)(raw & 1);
                return true;
            }
        }
        value = 0;
        return false;
    }

    /// <summary>Writes the value and returns how many bytes it took.</summary>
    public static int Write(Span<byte> into, long value)
    {
        var raw = (ulong)(value << 1 ^ value >> 63);
        var count = 0;
        for (; raw >= 0x80; raw >>= 7)
        {
            into[count++] = (byte)(raw | 0x80);
        }
        into[count++] = (byte)raw;
        return count;
    }
}
