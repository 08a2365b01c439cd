using EventStream.Contracts;
using EventStream.EventStore.Postgres;
using Npgsql;

namespace EventStream.Upload.Library;

/// <summary>A deletion that was asked for, and how often the video's media was removed since.</summary>
public sealed record Removal(VideoId VideoId, DateTimeOffset AskedAt, int Passes);

/// <summary>Answers: which deleted videos may still have media? In PostgreSQL, for every replica.</summary>
public sealed class RemovalTable(NpgsqlDataSource source)
{
    /// <summary>Notes that a deletion is asked for, or asked for again.</summary>
    public Task AskAsync(VideoId id, DateTimeOffset now, DateTimeOffset dueAt, CancellationToken cancellation) =>
        ExecuteAsync(
            """
            insert into video_removals (video_id, asked_at, due_at) values ($1, $2, $3)
            on conflict (video_id) do update set asked_at = excluded.asked_at, due_at = excluded.due_at
            """,
            cancellation,
            id.Value,
            now,
            dueAt
        );

    /// <summary>At most <paramref name="max"/> whose time has come, the longest due first.</summary>
    public async Task<IReadOnlyList<Removal>> DueAsync(DateTimeOffset now, int max, CancellationToken cancellation)
    {
        await using var command = source.Command(
            "select video_id, asked_at, passes from video_removals where due_at <= $1 order by due_at limit $2",
            now,
            max
        );
        await using var row = await command.ExecuteReaderAsync(cancellation);
        var due = new List<Removal>();
        while (await row.ReadAsync(cancellation))
            due.Add(new Removal(new VideoId(row.GetGuid(0)), row.GetFieldValue<DateTimeOffset>(1), row.GetInt32(2)));
        return due;
    }

    /// <summary>The media was removed once more, and is to be looked for again.</summary>
    public Task PassedAsync(VideoId id, int passes, DateTimeOffset dueAt, CancellationToken cancellation) =>
        ExecuteAsync(
            "update video_removals set passes = $2, due_at = $3 where video_id = $1",
            cancellation,
            id.Value,
            passes,
            dueAt
        );

    /// <summary>Nothing is to be done for it any more.</summary>
    public Task EndAsync(VideoId id, CancellationToken cancellation) =>
        ExecuteAsync("delete from video_removals where video_id = $1", cancellation, id.Value);

    private async Task ExecuteAsync(string sql, CancellationToken cancellation, params object?[] values)
    {
        await using var command = source.Command(sql, values);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
