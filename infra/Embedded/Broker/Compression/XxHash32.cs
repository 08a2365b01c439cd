using System.Buffers.Binary;
using System.Numerics;

namespace EventStream.Embedded.Broker.Compression;

/// <summary>xxHash of 32 bits with seed 0, for the header of an LZ4 frame, which is shorter than 16 bytes.</summary>
internal static class XxHash32
{
    private const uint Prime1 = 2654435761;
    private const uint Prime2 = 2246822519;
    private const uint Prime3 = 3266489917;
    private const uint Prime4 = 668265263;
    private const uint Prime5 = 374761393;
    private const int BytesMax = 15;

    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > BytesMax)
        {
            throw new ArgumentException($"At most {BytesMax} bytes can be hashed.", nameof(bytes));
        }
        var hash = Prime5 + (uint)bytes.Length;
        for (; bytes.Length >= 4; bytes = bytes[4..])
        {
            hash += BinaryPrimitives.ReadUInt32LittleEndian(bytes) * Prime3;
            hash = BitOperations.RotateLeft(hash, 17) * Prime4;
        }
        foreach (var b in bytes)
        {
            hash = BitOperations.RotateLeft(hash + b * Prime5, 11) * Prime1;
        }
        hash = (hash ^ hash >> 15) * Prime2;
        hash = (hash ^ hash >> 13) * Prime3;
        return hash ^ hash >> 16;
    }
}
