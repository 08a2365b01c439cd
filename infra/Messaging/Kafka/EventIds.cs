using System.Security.Cryptography;

namespace EventStream.Messaging.Kafka;

/// <summary>
/// Draws event ids: random UUIDs (RFC 9562, version 4) in their text form. Randomness is taken from the operating
/// system for many ids at once, because asking it for each costs more than all the rest of an event.
/// </summary>
internal static class EventIds
{
    private const int IdBytes = 16;
    private const int IdsPerDraw = 128;

    [ThreadStatic]
    private static byte[]? drawn;

    [ThreadStatic]
    private static int used;

    /// <summary>The 36 characters of a new id in UTF-8.</summary>
    public static byte[] NewUtf8()
    {
        if (drawn is null || used == drawn.Length)
        {
            drawn ??= new byte[IdBytes * IdsPerDraw];
            RandomNumberGenerator.Fill(drawn);
            used = 0;
        }

        var bytes = drawn.AsSpan(used, IdBytes);
        used += IdBytes;
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        var text = new byte[36];
        new Guid(bytes, bigEndian: true).TryFormat(text, out _, "D");
        return text;
    }
}
