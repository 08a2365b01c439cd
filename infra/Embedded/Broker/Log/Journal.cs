using System.Buffers.Binary;
using System.Text;
using EventStream.Embedded.Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace EventStream.Embedded.Broker.Log;

/// <summary>One change of a journal: the new value of a key, or its removal where the value is null.</summary>
internal readonly record struct JournalEntry(string Key, byte[]? Value);

/// <summary>
/// A small durable dictionary: every change is appended with its checksum and is in the file before <see cref="Put"/>
/// returns; the last value of a key counts. When the file is mostly history it is rewritten. Topics, committed
/// offsets and transactions live in one each.
/// </summary>
internal sealed class Journal : IDisposable
{
    private const int HeadBytes = 12;
    private const long CompactFromBytes = 1024 * 1024;
    private const int HistoryFactorMax = 4;
    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly bool _flush;
    private readonly Dictionary<string, byte[]> _live = [];
    private SafeFileHandle _file;
    private long _length;
    private long _liveBytes;
    private long _compactFrom = CompactFromBytes;

    private Journal(string path, bool flush)
    {
        _path = path;
        _flush = flush;
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
    }

    /// <summary>The entries as they were read at the start; the owner keeps its own picture from then on.</summary>
    public IReadOnlyDictionary<string, byte[]> Entries => _live;

    /// <summary>
    /// Opens a journal, made if need be. A torn write at its end was never acknowledged and is cut off.
    /// </summary>
    public static Journal Open(string path, bool flush)
    {
        var journal = new Journal(path, flush);
        journal.Replay();
        if (flush)
        {
            FolderFlush.Flush(Path.GetDirectoryName(path)!);
        }
        return journal;
    }

    /// <summary>Appends the changes in one write.</summary>
    /// <exception cref="IOException">The disk refused; nothing changed.</exception>
    public void Put(params ReadOnlySpan<JournalEntry> entries)
    {
        if (entries.Length == 0)
        {
            return;
        }
        using var writer = new ResponseWriter();
        foreach (var entry in entries)
        {
            Encode(writer, entry.Key, entry.Value);
        }
        lock (_gate)
        {
            Append(writer.Written.Span);
            foreach (var entry in entries)
            {
                Remember(entry.Key, entry.Value);
            }
            CompactIfDue();
        }
    }

    public void Dispose() => _file.Dispose();

    private void Append(ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_file, bytes, _length);
            if (_flush)
            {
                RandomAccess.FlushToDisk(_file);
            }
        }
        catch (IOException)
        {
            // What may be there in part is overwritten by the next entry, or cut off at the next start.
            RandomAccess.SetLength(_file, _length);
            throw;
        }
        _length += bytes.Length;
    }

    private static void Encode(ResponseWriter writer, string key, byte[]? value)
    {
        var keyBytes = Encoding.UTF8.GetByteCount(key);
        var start = writer.Length;
        var record = writer.Grow(HeadBytes + keyBytes + (value?.Length ?? 0));
        BinaryPrimitives.WriteInt32LittleEndian(record[4..], keyBytes);
        BinaryPrimitives.WriteInt32LittleEndian(record[8..], value?.Length ?? -1);
        Encoding.UTF8.GetBytes(key, record[HeadBytes..]);
        value?.CopyTo(record[(HeadBytes + keyBytes)..]);
        BinaryPrimitives.WriteUInt32LittleEndian(writer.From(start), Crc32C.Compute(record[4..]));
    }

    private void Replay()
    {
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(_path);
        while (TryDecode(bytes[(int)_length..], out var size, out var key, out var value))
        {
            Remember(key, value);
            _length += size;
        }
        if (_length < bytes.Length)
        {
            RandomAccess.SetLength(_file, _length);
        }
    }

    private static bool TryDecode(ReadOnlySpan<byte> bytes, out int size, out string key, out byte[]? value)
    {
        (size, key, value) = (0, "", null);
        if (bytes.Length < HeadBytes)
        {
            return false;
        }
        var keyBytes = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        var valueBytes = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        var total = (long)HeadBytes + keyBytes + Math.Max(valueBytes, 0);
        if (keyBytes < 0 || total > bytes.Length)
        {
            return false;
        }
        size = (int)total;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Crc32C.Compute(bytes[4..size]))
        {
            return false;
        }
        key = Encoding.UTF8.GetString(bytes.Slice(HeadBytes, keyBytes));
        value = valueBytes < 0 ? null : bytes.Slice(HeadBytes + keyBytes, valueBytes).ToArray();
        return true;
    }

    private void Remember(string key, byte[]? value)
    {
        if (_live.TryGetValue(key, out var old))
        {
            _liveBytes -= HeadBytes + key.Length + old.Length;
        }
        if (value is null)
        {
            _live.Remove(key);
            return;
        }
        _live[key] = value;
        _liveBytes += HeadBytes + key.Length + value.Length;
    }

    private void CompactIfDue()
    {
        if (_length < _compactFrom || _length < _liveBytes * HistoryFactorMax)
        {
            return;
        }
        try
        {
            Compact();
            _compactFrom = CompactFromBytes;
        }
        catch (IOException)
        {
            // The entries are in the file as it is; only the space to rewrite it is missing. It is tried again later.
            _compactFrom = _length + CompactFromBytes;
        }
    }

    private void Compact()
    {
        using var writer = new ResponseWriter();
        foreach (var (key, value) in _live)
        {
            Encode(writer, key, value);
        }
        WholeFile.Write(_path, writer.Written.Span, flush: true);
        _file.Dispose();
        _file = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        _length = writer.Length;
    }
}
