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

    public bool KeepsToStreams => projection.KeepsToStreams;

    public bool Concerns(string stream) => projection.Concerns(stream);

    /// <summary>
    /// Takes the lock, and then, which needs a statement of its own, sees whether it is live under it.
    /// </summary>
    public IReadOnlyList<NpgsqlBatchCommand> Opening() =>
    [
        new("select pg_advisory_xact_lock_shared(hashtextextended($1, 0))")
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = hold.Key } },
        },
        new(
            """
            select 1 from projections
            where name = $1 and state = 'live' and lifecycle = 'inline' and version = $2
            """)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = projection.Name },
                new NpgsqlParameter<int> { TypedValue = projection.Version },
            },
        },
    ];

    public async Task ApplyAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, CancellationToken cancellation)
    {
        var taken = events.Where(projection.Takes).ToList();
        if (taken.Count == 0) return;
        var session = projection.Open(new SessionOptions(projection.Table, Slice.All, OnlyWriter: false));
        await session.ApplyAsync(connection, taken, cancellation);
    }
}
