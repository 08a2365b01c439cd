using EventStream.Embedded.Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace EventStream.Embedded.Broker.Log;

/// <summary>The file that compaction writes: what is left of some consecutive segments, and its index.</summary>
internal sealed class CleanedSegment : IDisposable
{
    private const int WriteBytes = 256 * 1024;
    private readonly ResponseWriter _pending = new();
    private long _written;
    private bool _isAdopted;

    public CleanedSegment(string folder, long baseOffset, int indexIntervalBytes)
    {
        Path = System.IO.Path.Combine(folder, $"{baseOffset:D20}{SegmentSwap.CleanedSuffix}");
        File = System.IO.File.OpenHandle(
            Path,
            FileMode.Create,
            FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete
        );
        Index = new SegmentIndex(indexIntervalBytes);
    }

    public string Path { get; }

    public SafeFileHandle File { get; }

    public SegmentIndex Index { get; }

    public long Size => _written + _pending.Length;

    public void Add(ReadOnlySpan<byte> batch)
    {
        var header = BatchHeader.Read(batch);
        Index.Add(header, header.BaseOffset, Size);
        batch.CopyTo(_pending.Grow(batch.Length));
        if (_pending.Length >= WriteBytes)
        {
            WritePending();
        }
    }

    /// <summary>Brings everything to the disk.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Complete()
    {
        WritePending();
        RandomAccess.FlushToDisk(File);
    }

    /// <summary>Makes a segment of the file, once it bears its final name.</summary>
    public LogSegment Adopt(string folder, long baseOffset, long nowMs)
    {
        _isAdopted = true;
        return LogSegment.Adopt(folder, baseOffset, File, Index, Size, nowMs);
    }

    /// <summary>Removes the file unless it became a segment.</summary>
    public void Dispose()
    {
        _pending.Dispose();
        if (!_isAdopted)
        {
            File.Dispose();
            System.IO.File.Delete(Path);
        }
    }

    private void WritePending()
    {
        RandomAccess.Write(File, _pending.Written.Span, _written);
        _written += _pending.Length;
        _pending.Truncate(0);
    }
}
