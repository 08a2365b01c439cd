using EventStream.Embedded.Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// A segment owns one file of consecutive batches and its index. One writer appends under the lock of its log;
/// readers read below <see cref="Size"/>, which grows only after the bytes are in the file.
/// </summary>
internal sealed partial class LogSegment : IDisposable
{
    public const string Suffix = ".log";
    public const string IndexSuffix = ".index";
    private readonly SafeFileHandle _file;
    private readonly string _path;
    private long _size;

    private LogSegment(string path, long baseOffset, SafeFileHandle file, SegmentIndex index)
    {
        _path = path;
        _file = file;
        BaseOffset = baseOffset;
        Index = index;
    }

    public long BaseOffset { get; }

    public SegmentIndex Index { get; }

    /// <summary>Bytes of whole batches in the file.</summary>
    public long Size => Volatile.Read(ref _size);

    public long NextOffset => Math.Max(Index.NextOffset, BaseOffset);

    /// <summary>When the segment was begun or opened, in milliseconds since 1970.</summary>
    public long CreatedMs { get; private init; }

    /// <summary>
    /// Bytes that were read and verified when the segment was opened: 0 where its index vouches for it.
    /// </summary>
    public long BytesVerified { get; private set; }

    /// <summary>Whether the segment was removed or replaced; a reader looks its offset up again then.</summary>
    public bool IsClosed => _file.IsClosed;

    /// <summary>The greatest timestamp, or where the records have none, the time of the segment itself.</summary>
    public long AgedFromMs => Index.MaxTimestamp >= 0 ? Index.MaxTimestamp : CreatedMs;

    public static LogSegment Create(string folder, long baseOffset, int indexIntervalBytes, long nowMs)
    {
        var path = PathOf(folder, baseOffset);
        File.Delete(IndexPath(path));
        var file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        return new LogSegment(path, baseOffset, file, new SegmentIndex(indexIntervalBytes)) { CreatedMs = nowMs };
    }

    /// <summary>
    /// Opens a segment that exists. A valid index file says that it was sealed or closed in good order; without one,
    /// or where the bytes may not have reached the disk, the file is walked, and what follows the last whole batch is
    /// cut off.
    /// </summary>
    public static LogSegment Open(
        string path,
        int indexIntervalBytes,
        long nowMs,
        bool trustsUnflushed,
        out long bytesCutOff
    )
    {
        var baseOffset = long.Parse(Path.GetFileNameWithoutExtension(path));
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var length = RandomAccess.GetLength(file);
        bytesCutOff = 0;
        if (
            SegmentIndex.Load(IndexPath(path), length, out var isFlushed) is { } index
            && (isFlushed || trustsUnflushed)
        )
        {
            return new LogSegment(path, baseOffset, file, index)
            {
                _size = length,
                _flushedSize = isFlushed ? length : 0,
                CreatedMs = nowMs,
            };
        }
        var segment = new LogSegment(path, baseOffset, file, new SegmentIndex(indexIntervalBytes))
        {
            CreatedMs = nowMs,
        };
        segment.Recover(length);
        bytesCutOff = length - segment.Size;
        return segment;
    }

    /// <summary>Takes over the file of a segment that compaction wrote and flushed, under its final name.</summary>
    public static LogSegment Adopt(
        string folder,
        long baseOffset,
        SafeFileHandle file,
        SegmentIndex index,
        long size,
        long nowMs
    ) =>
        new(PathOf(folder, baseOffset), baseOffset, file, index)
        {
            _size = size,
            _flushedSize = size,
            CreatedMs = nowMs,
        };

    /// <summary>Writes the batch, whose place is filled in already, at the end of the file.</summary>
    /// <exception cref="IOException">The disk refused; the file is back at its old size.</exception>
    public void Append(ReadOnlySpan<byte> batch, in BatchHeader header, long baseOffset)
    {
        var position = _size;
        try
        {
            RandomAccess.Write(_file, batch, position);
        }
        catch (IOException)
        {
            RandomAccess.SetLength(_file, position);
            throw;
        }
        Index.Add(header, baseOffset, position);
        Volatile.Write(ref _size, position + batch.Length);
    }

    public int Read(long position, Span<byte> into) => RandomAccess.Read(_file, into, position);

    public BatchScanner Scan(long start, long end, int chunkBytes = 64 * 1024) =>
        new(_file, start, end, verify: false, chunkBytes);

    /// <summary>
    /// The position of the batch that holds the offset, or of the first one after it; <see cref="Size"/> when none.
    /// </summary>
    public long FindPosition(long offset)
    {
        using var scanner = Scan(Index.PositionBefore(offset), Size, chunkBytes: 4096);
        while (scanner.MoveNext())
        {
            if (scanner.Current.LastOffset >= offset)
            {
                return scanner.Position;
            }
        }
        return scanner.EndPosition;
    }

    public void Delete()
    {
        File.Delete(IndexPath(_path));
        File.Delete(_path);
        _file.Dispose();
    }

    public void Dispose() => _file.Dispose();

    public static string PathOf(string folder, long baseOffset) => Path.Combine(folder, $"{baseOffset:D20}{Suffix}");

    private static string IndexPath(string logPath) => Path.ChangeExtension(logPath, IndexSuffix);

    private void Recover(long length)
    {
        using var scanner = new BatchScanner(_file, 0, length, verify: true);
        var next = BaseOffset;
        while (scanner.MoveNext() && scanner.Current.BaseOffset >= next)
        {
            Index.Add(scanner.Current, scanner.Current.BaseOffset, scanner.Position);
            next = scanner.Current.LastOffset + 1;
            _size = scanner.EndPosition;
        }
        BytesVerified = length;
        if (_size < length)
        {
            RandomAccess.SetLength(_file, _size);
        }
    }
}
