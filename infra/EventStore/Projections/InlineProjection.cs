using EventStream.EventStore.Daemon;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.EventStore.Projections;

/// <summary>
/// Applies an inline projection within appends. It writes only while its own version is the live one: during a rebuild
/// of a new version the old program goes on with the old tables, and the new one begins with the switch, which no
/// append
/// can straddle, as both take the projection's switch lock.
/// </summary>
internal sealed class InlineProjection(Projection projection, string schema) : IInlineProjection
{
    private readonly SwitchLock hold = new(schema, projection.Name);

    public bool Concerns(string stream) => projection.Concerns(stream);

    public async Task ApplyAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation)
    {
        var taken = events.Where(projection.Takes).ToList();
        if (taken.Count == 0 || !await IsLiveAsync(connection, cancellation)) return;
        var session = projection.Open(new SessionOptions(projection.Table, Slice.All, OnlyWriter: false));
        await session.ApplyAsync(connection, taken, cancellation);
    }

    /// <summary>Takes the lock, and then, which needs a statement of its own, sees what is live under it.</summary>
    private async Task<bool> IsLiveAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new("select pg_advisory_xact_lock_shared(hashtextextended($1, 0))")
                {
                    Parameters = { new() { Value = hold.Key } },
                },
                new(
                    """
                    select 1 from projections
                    where name = $1 and state = 'live' and lifecycle = 'inline' and version = $2
                    """)
                {
                    Parameters = { new() { Value = projection.Name }, new() { Value = projection.Version } },
                },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        await reader.NextResultAsync(cancellation);
        return await reader.ReadAsync(cancellation);
    }
}
