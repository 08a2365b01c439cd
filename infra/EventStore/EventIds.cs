using System.Buffers.Binary;
using System.Security.Cryptography;

namespace EventStream.EventStore;

/// <summary>Event ids that follow from their cause, so that doing the same thing twice gives the same ids.</summary>
public static class EventIds
{
    /// <summary>
    /// The id of the <paramref name="index"/>th event of a command: a version 8 UUID (RFC 9562) of a SHA-256.
    /// </summary>
    public static Guid Of(Guid command, int index)
    {
        Span<byte> input = stackalloc byte[20];
        command.TryWriteBytes(input, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(input[16..], index);
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(input, hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
