using Marten;
using Npgsql;

namespace EventStream.EventStore;

/// <summary>How far one reader of a store is: positions of the events table; the lag is what is not read yet.</summary>
public sealed record ReaderStatus(string Name, long Position, long Lag);

/// <summary>Answers: how far is each read model and the relay?</summary>
public sealed class StoreStatus(IDocumentStore store, NpgsqlDataSource source)
{
    /// <summary>The position of the newest event; 0 in an empty store.</summary>
    public async Task<long> NewestAsync(CancellationToken cancellation)
    {
        await using var command = source.CreateCommand("select coalesce(max(seq_id), 0) from mt_events");
        return Convert.ToInt64(await command.ExecuteScalarAsync(cancellation));
    }

    /// <summary>Every reader by name, also those that never ran.</summary>
    public async Task<IReadOnlyList<ReaderStatus>> ReadersAsync(CancellationToken cancellation)
    {
        var newest = await NewestAsync(cancellation);
        var progress = (await store.Advanced.AllProjectionProgress(token: cancellation)).ToDictionary(
            state => state.ShardName,
            state => state.Sequence,
            StringComparer.Ordinal
        );
        return [.. ReaderNames().Select(name => Status(name, progress.GetValueOrDefault(name), newest))];
    }

    private IEnumerable<string> ReaderNames() =>
        ((DocumentStore)store).Options.Projections.AllShards().Select(shard => shard.Name.Identity);

    private static ReaderStatus Status(string name, long position, long newest) =>
        new(name, position, Math.Max(0, newest - position));
}
