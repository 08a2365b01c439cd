using System.Buffers.Binary;
using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// Replaces a small file as a whole: after a crash either the old or the new content is there, never a mixture.
/// </summary>
internal static class WholeFile
{
    /// <summary>With <paramref name="flush"/> the new content survives the loss of power once this returns.</summary>
    /// <exception cref="IOException">The disk refused; the old content is there.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes, bool flush = false)
    {
        var next = path + ".next";
        try
        {
            using (var file = File.OpenHandle(next, FileMode.Create, FileAccess.Write))
            {
                RandomAccess.Write(file, bytes, 0);
                if (flush)
                {
                    RandomAccess.FlushToDisk(file);
                }
            }
            File.Move(next, path, overwrite: true);
        }
        catch (IOException)
        {
            // What is half-written would keep room from the records that the disk still can take.
            File.Delete(next);
            throw;
        }
        if (flush)
        {
            FolderFlush.Flush(Path.GetDirectoryName(path)!);
        }
    }

    /// <summary>Replaces the file by what was written, with a checksum behind it.</summary>
    /// <exception cref="IOException">The disk refused; the old content is there.</exception>
    public static void WriteChecked(string path, ResponseWriter content)
    {
        content.WriteInt32((int)Crc32C.Compute(content.Written.Span));
        Write(path, content.Written.Span);
    }

    /// <summary>The content of a file of <see cref="WriteChecked"/>; null when there is none that verifies.</summary>
    public static RequestReader? ReadChecked(string path)
    {
        var bytes = File.Exists(path) ? File.ReadAllBytes(path) : [];
        var length = bytes.Length - sizeof(uint);
        if (
            length < 0
            || BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(length)) != Crc32C.Compute(bytes.AsSpan(0, length))
        )
        {
            return null;
        }
        var reader = new RequestReader();
        reader.Reset(bytes, 0, length);
        return reader;
    }
}
