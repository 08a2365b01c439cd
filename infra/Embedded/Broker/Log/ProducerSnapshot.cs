using EventStream.Embedded.Broker.Protocol;

namespace EventStream.Embedded.Broker.Log;

/// <summary>
/// The producers of a partition as of an offset, in a file. It is written when a segment is sealed and at a clean
/// stop; after a crash the batches from that offset on are read again. A file that does not verify is as good as
/// none.
/// </summary>
internal static class ProducerSnapshot
{
    private const int Version = 1;

    public static void Save(string path, ProducerStates states, long upTo)
    {
        using var writer = new ResponseWriter();
        writer.WriteInt32(Version);
        writer.WriteInt64(upTo);
        writer.WriteInt32(states.Producers.Count);
        foreach (var entry in states.Producers)
        {
            WriteEntry(writer, entry);
        }
        writer.WriteInt32(states.Aborted.Count);
        foreach (var aborted in states.Aborted)
        {
            writer.WriteInt64(aborted.ProducerId);
            writer.WriteInt64(aborted.FirstOffset);
            writer.WriteInt64(aborted.LastOffset);
        }
        WholeFile.WriteChecked(path, writer);
    }

    /// <summary>Reads the snapshot; the states are empty and the offset 0 when there is none that verifies.</summary>
    public static (ProducerStates States, long UpTo) Load(string path)
    {
        var states = new ProducerStates();
        if (WholeFile.ReadChecked(path) is not { } reader || reader.ReadInt32() != Version)
        {
            return (states, 0);
        }
        var upTo = reader.ReadInt64();
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            states.Restore(ReadEntry(reader));
        }
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            states.Aborted.Add(new AbortedTransaction(reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64()));
        }
        return (states, upTo);
    }

    private static void WriteEntry(ResponseWriter writer, ProducerEntry entry)
    {
        writer.WriteInt64(entry.ProducerId);
        writer.WriteInt16(entry.Epoch);
        writer.WriteInt64(entry.OpenOffset);
        writer.WriteInt64(entry.LastUseMs);
        writer.WriteInt32(entry.KeptCount);
        foreach (var kept in entry.Kept)
        {
            writer.WriteInt32(kept.BaseSequence);
            writer.WriteInt32(kept.LastSequence);
            writer.WriteInt64(kept.BaseOffset);
        }
    }

    private static ProducerEntry ReadEntry(RequestReader reader)
    {
        var entry = new ProducerEntry(reader.ReadInt64());
        entry.Fence(reader.ReadInt16());
        entry.OpenOffset = reader.ReadInt64();
        entry.LastUseMs = reader.ReadInt64();
        for (var count = reader.ReadInt32(); count > 0; count--)
        {
            entry.Keep(new ProducerEntry.KeptBatch(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64()));
        }
        return entry;
    }
}
