using System.Runtime.CompilerServices;
using EventStream.Contracts;

namespace EventStream.EventStore.Memory;

/// <summary>
/// The event store without a disk, for specifications and tests; it behaves as the one on PostgreSQL.
/// </summary>
public sealed class InMemoryEventStore(TimeProvider time) : IEventStore
{
    private readonly Lock gate = new();
    private readonly List<RecordedEvent> all = [];
    private readonly Dictionary<string, List<RecordedEvent>> streams = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, RecordedEvent> byId = [];

    public Task<AppendResult> AppendAsync(
        string stream, ExpectedVersion expected, IReadOnlyList<NewEvent> events, EventMetadata metadata,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        AppendRules.Check(stream, events);
        lock (gate)
        {
            var held = streams.GetValueOrDefault(stream) ?? [];
            if (AlreadyAppended(stream, events) is { } last) return Task.FromResult(last);
            if (!expected.Matches(held.Count)) throw new WrongExpectedVersionException(stream, expected, held.Count);
            if (events.Any(e => byId.ContainsKey(e.Id)) || events.DistinctBy(e => e.Id).Count() < events.Count)
                throw new DuplicateEventException(stream);
            var recorded = events.Select((e, index) =>
                Record(stream, held.Count + index + 1, index, e, metadata)).ToList();
            streams[stream] = held;
            foreach (var one in recorded)
            {
                held.Add(one);
                all.Add(one);
                byId.Add(one.Id, one);
            }

            return Task.FromResult(new AppendResult(held.Count, all.Count));
        }
    }

    public async IAsyncEnumerable<RecordedEvent> ReadStreamAsync(
        string stream, long fromVersion = 1, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await Task.CompletedTask;
        RecordedEvent[] found;
        lock (gate) found = [.. streams.GetValueOrDefault(stream)?.Where(e => e.Version >= fromVersion) ?? []];
        foreach (var recorded in found)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return recorded;
        }
    }

    public Task<IReadOnlyList<RecordedEvent>> ReadAllAsync(long afterPosition, int max, CancellationToken cancellation)
    {
        lock (gate)
            return Task.FromResult<IReadOnlyList<RecordedEvent>>([.. all.Where(e =>
                e.Position > afterPosition).Take(max)]);
    }

    public Task<long> HighWaterAsync(CancellationToken cancellation)
    {
        lock (gate) return Task.FromResult((long)all.Count);
    }

    private AppendResult? AlreadyAppended(string stream, IReadOnlyList<NewEvent> events)
    {
        var known = events.Select(e => byId.GetValueOrDefault(e.Id)).ToList();
        if (known.Any(e => e is null || e.Stream != stream)) return null;
        var last = known.MaxBy(e => e!.Version)!;
        return new AppendResult(last.Version, last.Position);
    }

    private RecordedEvent Record(string stream, long version, int index, NewEvent e, EventMetadata metadata)
    {
        // Through bytes and back, so that a shape which does not survive JSON is found without a database.
        var name = MessageTypes.NameOf(e.Data.GetType());
        var bytes = MessageTypes.Write(e.Data);
        AppendRules.CheckSize(stream, name, bytes.Length);
        var data = (IEvent)MessageTypes.Read(name, bytes);
        return new RecordedEvent(all.Count + index + 1, stream, version, e.Id, name, data, metadata, time.GetUtcNow());
    }
}
