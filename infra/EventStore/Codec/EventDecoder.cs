using EventStream.EventStore.Privacy;

namespace EventStream.EventStore.Codec;

/// <summary>
/// Makes events of rows while they are read, so that no row outlives its turn: what a page holds is its events. Rows
/// that need keys which are not at hand wait for <see cref="EndAsync"/>, where they are asked for all at once.
/// </summary>
internal sealed class EventDecoder(EventCodec codec, SubjectKeys keys)
{
    private readonly List<RecordedEvent> events = [];
    private readonly List<(int Place, StoredEvent Row)> waiting = [];
    private readonly HashSet<long> missing = [];
    private readonly HashSet<long> missingInRow = [];
    private (byte[] Json, EventMetadata Metadata)? before;

    public void Add(in StoredEvent row)
    {
        if (Decode(row) is { } recorded)
        {
            events.Add(recorded);
            return;
        }

        waiting.Add((events.Count, row with { Data = row.Data.ToArray(), Metadata = row.Metadata.ToArray() }));
        events.Add(null!);
    }

    /// <summary>Every event, in the order of the rows.</summary>
    public async ValueTask<IReadOnlyList<RecordedEvent>> EndAsync(CancellationToken cancellation)
    {
        while (waiting.Count > 0)
        {
            await keys.LoadAsync(missing, cancellation);
            missing.Clear();
            // What was found may be forgotten again before all rows had their turn; those are asked for once more.
            waiting.RemoveAll(Settle);
        }

        return events;
    }

    private bool Settle((int Place, StoredEvent Row) pair)
    {
        if (Decode(pair.Row) is not { } recorded) return false;
        events[pair.Place] = recorded;
        return true;
    }

    private RecordedEvent? Decode(in StoredEvent row)
    {
        missingInRow.Clear();
        // What was appended together has the same metadata.
        var isAsBefore = before is { } one && one.Json.AsSpan().SequenceEqual(row.Metadata.Span);
        var metadata = isAsBefore ? before!.Value.Metadata
            : StoredMetadata.Read(row.Metadata.Span, keys, missingInRow);
        var read = codec.Read(row, missingInRow);
        if (metadata is null || read is not { } known)
        {
            missing.UnionWith(missingInRow);
            return null;
        }

        if (!isAsBefore) before = (row.Metadata.ToArray(), metadata);
        return new RecordedEvent(
            row.Position, row.Stream, row.Version, row.Id, known.Name, known.Data, metadata, row.RecordedAt,
            row.Tenant);
    }
}
